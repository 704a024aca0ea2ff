"""What can be wrong with a log, its files, its notes and its proofs."""

from __future__ import annotations

from provenance.errors import ProvenanceError


class LogError(ProvenanceError):
    """A fault in the log's tree, files, notes or proofs."""


class NotInTree(LogError):
    """A proof was asked for an entry that the tree does not have."""

    code = "log-not-in-tree"
    en = "The log of {size} entries has no entry {index}. Wait for the next checkpoint, or check the number."
    zh = "日志共有 {size} 条，没有第 {index} 条。请等待下一个检查点，或核对编号。"


class NotAnEarlierSize(LogError):
    """A consistency proof was asked between sizes that are not old and new."""

    code = "log-not-an-earlier-size"
    en = "No proof leads from {old} to {new} entries: the old size must not be above the new one."
    zh = "无法证明从 {old} 条到 {new} 条的一致性：旧规模不得大于新规模。"


class TileMissing(LogError):
    """A file that a checkpoint promises is not there."""

    code = "log-tile-missing"
    en = "{path} is missing; a log of {size} entries has it. Ask its keeper for the file."
    zh = "缺少 {path}；{size} 条的日志应有此文件。请向保存者索取。"


class TileDamaged(LogError):
    """A hash tile does not have the length that its name says."""

    code = "log-tile-damaged"
    en = "{path} has {found} bytes and should have {expected}: it was cut, extended or replaced."
    zh = "{path} 有 {found} 字节，应为 {expected} 字节：文件被截断、加长或替换。"


class BundleDamaged(LogError):
    """An entry bundle cannot be cut into the entries that its name says."""

    code = "log-bundle-damaged"
    en = "{path} does not hold {width} whole entries: it was damaged at entry {index}."
    zh = "{path} 未包含 {width} 条完整条目：自第 {index} 条起损坏。"


class LeafTooLarge(LogError):
    """An entry does not fit into a bundle."""

    code = "log-leaf-too-large"
    en = "An entry of {size} bytes does not fit into a bundle, which takes at most 65,535."
    zh = "条目有 {size} 字节，超过条目包允许的 65,535 字节。"


class NoteMalformed(LogError):
    """A text is not a signed note."""

    code = "log-note-malformed"
    en = "This is not a signed note: {reason_en}."
    zh = "这不是签名文本：{reason_zh}。"


class NoteForged(LogError):
    """A signature under a trusted name does not fit the text."""

    code = "log-note-forged"
    en = "The signature of {name} does not fit this text: the text or the signature was changed."
    zh = "{name} 的签名与文本不符：文本或签名已被更改。"


class NoteNotSigned(LogError):
    """Nobody who is trusted signed a note."""

    code = "log-note-not-signed"
    en = "No key that you named signed this text; it carries signatures of: {names}."
    zh = "您指定的密钥均未签署此文本；其上的签名来自：{names}。"


class KeyMalformed(LogError):
    """A text is not a verifier key."""

    code = "log-key-malformed"
    en = "This is not a verifier key (name+id+base64): {reason_en}."
    zh = "这不是验证密钥（名称+编号+base64）：{reason_zh}。"


class CheckpointMalformed(LogError):
    """A note's text is not a checkpoint."""

    code = "log-checkpoint-malformed"
    en = "This is not a checkpoint: {reason_en}."
    zh = "这不是检查点：{reason_zh}。"


class ProofMalformed(LogError):
    """A text is not a c2sp.org/tlog-proof@v1 file."""

    code = "log-proof-malformed"
    en = "This is not a log proof: {reason_en}."
    zh = "这不是日志证明：{reason_zh}。"


class ProofFails(LogError):
    """A proof does not lead from the entry to the signed root."""

    code = "log-proof-fails"
    en = "The proof does not lead from this entry, as number {index}, to the signed root of {size} entries."
    zh = "该证明无法从此条目（第 {index} 条）推至 {size} 条日志的签名根。"


# ---- keeping a log ------------------------------------------------------------------------------------------


class LogKeyMissing(LogError):
    """The key that signs the log is not where it is kept."""

    code = "log-key-missing"
    en = "The log's key {key} is not in {folder}. Put its file back from a backup; until then nothing is published."
    zh = "{folder} 中没有日志密钥 {key}。请从备份中恢复该文件；在此之前不会发布检查点。"


class LogKeyDamaged(LogError):
    """A file of the log's keys holds no key."""

    code = "log-key-damaged"
    en = "{path} holds no Ed25519 key. Put it back from a backup."
    zh = "{path} 中没有 Ed25519 密钥。请从备份中恢复。"


class LogKeyOpen(LogError):
    """Others than Colophon's user may read a private key, and that cannot be changed from here."""

    code = "log-key-open"
    en = "{path} may be read by others and cannot be closed to them from here. Mount it with mode 0400, for one user."
    zh = "{path} 可被其他用户读取，且无法在此更改其权限。请以 0400 权限、仅限一个用户的方式挂载。"


class LogRenamed(LogError):
    """The setting names the log otherwise than its entries and proofs do."""

    code = "log-renamed"
    en = "This log is named {origin}; COLOPHON_LOG_ORIGIN says {wanted}. A log keeps its name: set it back."
    zh = "本日志名为 {origin}，而 COLOPHON_LOG_ORIGIN 为 {wanted}。日志名称不可更改，请改回。"


class LogBehind(LogError):
    """The database has fewer entries than the log has promised: it was restored from an older backup."""

    code = "log-behind"
    en = (
        "The database has {size} entries in order, and the published checkpoint promises {published}: it was restored "
        "from an older backup. Nothing is numbered until it holds them again; restore a newer backup."
    )
    zh = (
        "数据库中有 {size} 条已编号的条目，而已发布的检查点承诺了 {published} 条：数据库是从较旧的备份恢复的。"
        "在恢复较新的备份之前，不会继续编号。"
    )


class LogForked(LogError):
    """The database and the published log tell different stories."""

    code = "log-forked"
    en = (
        "The published checkpoint of {size} entries is not the one that the database leads to. Nothing more is "
        "published; compare the tables with the tiles and with a backup."
    )
    zh = "已发布的 {size} 条检查点与数据库不符。不再发布任何检查点；请将数据表与瓦片及备份比对。"


class SequencerReplaced(LogError):
    """A process that stalled while sequencing is no longer the one that may publish."""

    code = "log-sequencer-replaced"
    en = "The checkpoint of {size} entries is not published: another process sequences the log now. Nothing is lost."
    zh = "未发布 {size} 条的检查点：日志现由另一进程排序。没有丢失任何内容。"


class EntryAltered(LogError):
    """A row of the log no longer has the leaf hash that was recorded with it."""

    code = "log-entry-altered"
    en = "Entry {entry} no longer has its recorded leaf hash: its row was changed. Nothing more is published."
    zh = "条目 {entry} 与其记录的叶哈希不符：该行被更改。不再发布任何检查点。"


class NotYetPublished(LogError):
    """An entry is recorded, and no published checkpoint includes it yet."""

    code = "log-not-yet-published"
    en = "The entry is recorded, and not yet in a published checkpoint. Ask again in {seconds} s."
    zh = "条目已记录，但尚未纳入已发布的检查点。请在 {seconds} 秒后重试。"


class NoCheckpointYet(LogError):
    """Nothing was published so far."""

    code = "log-no-checkpoint-yet"
    en = "No checkpoint is published yet. Ask again in {seconds} s."
    zh = "尚未发布检查点。请在 {seconds} 秒后重试。"


class EntryUnknown(LogError):
    """No entry of the log is meant."""

    code = "log-entry-unknown"
    en = "The log has no such entry."
    zh = "日志中没有此条目。"


# ---- witnesses ----------------------------------------------------------------------------------------------


class WitnessSilent(LogError):
    """A witness that we asked gave no cosignature."""

    code = "log-witness-silent"
    en = "The witness {witness} did not cosign: {reason}."
    zh = "见证者 {witness} 未联署：{reason}。"


class RequestMalformed(LogError):
    """What another log sent is not an add-checkpoint request."""

    code = "log-request-malformed"
    en = "This is not an add-checkpoint request: {reason_en}."
    zh = "这不是 add-checkpoint 请求：{reason_zh}。"


class UnknownLog(LogError):
    """We were asked to witness a log whose key the operator has not named."""

    code = "log-unknown"
    en = "The log {origin} is none that we witness. Ask the operator to add its verifier key."
    zh = "日志 {origin} 不在我们见证之列。请运营者添加其验证密钥。"


class OldSizeDiffers(LogError):
    """A log continues from another checkpoint than the one that we cosigned last."""

    code = "log-old-size-differs"
    en = "The newest checkpoint that we cosigned has {size} entries. Prove consistency from it."
    zh = "我们最近联署的检查点有 {size} 条。请自该规模证明一致性。"


class StoryDiffers(LogError):
    """A log's new checkpoint does not continue the one that we cosigned."""

    code = "log-story-differs"
    en = "The checkpoint of {new} entries does not continue the one of {old} that we cosigned for {origin}."
    zh = "{origin} 的 {new} 条检查点并非我们联署过的 {old} 条检查点的延续。"
