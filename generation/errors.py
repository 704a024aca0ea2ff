"""What can go wrong in making an image."""

from __future__ import annotations

from provenance.errors import Fault


class GenerationError(Fault):
    """A fault in asking for or making an image."""


class UnknownModel(GenerationError):
    """No such model is registered."""

    code = "unknown-model"
    en = "There is no model “{model}”. GET /api/v1/models lists those that stand."
    zh = "没有名为“{model}”的模型。可通过 GET /api/v1/models 查看现有模型。"


class ModelSuperseded(UnknownModel):
    """The weights that were asked for by their id have been replaced by newer ones of the same name."""

    code = "model-superseded"
    en = "These weights of {model} were replaced by newer ones. Ask for the model by its name, {slug}."
    zh = "{model} 的这组权重已被新权重取代。请以名称 {slug} 使用该模型。"


class NoModel(GenerationError):
    """Nothing is registered that could draw."""

    code = "no-model"
    en = "No model is registered yet. The operator registers one with manage.py register_model."
    zh = "尚未登记任何模型。请运营者用 manage.py register_model 登记。"



class TooAlike(GenerationError):
    """A picture came out liker to a listed work than its terms allow."""

    code = "too-alike"
    en = (
        "A picture came out {likeness} % like a work behind {name}, and its terms allow {limit} % at most. Nothing was "
        "delivered. Try another seed or prompt."
    )
    zh = (
        "生成的图片与 {name} 所依据的作品相似度达 {likeness} %，而其条款最多允许 {limit} %。"
        "未交付任何图片。请换一个种子或提示词。"
    )


class NotARetouch(GenerationError):
    """What was sent as an edit of an image is another picture."""

    code = "not-a-retouch"
    en = (
        "The picture that you sent does not resemble this image, so it is not signed as an edit of it. Send an edited "
        "copy of this image."
    )
    zh = "您发送的图片与该图像不相似，因此不会作为其编辑版本签名。请发送该图像经编辑后的副本。"


class LooksLikeAnother(GenerationError):
    """An edit brought an image near a picture that somebody else has listed or opted out."""

    code = "looks-like-another"
    en = (
        "The picture that you sent looks like one that somebody else has listed or opted out ({kind} {subject}), which "
        "this image does not. It is not signed as an edit. Send an edit without that picture."
    )
    zh = (
        "您发送的图片与他人已登记或已选择退出的图片（{kind} {subject}）相似，而该图像本身并不相似。"
        "它不会作为编辑版本签名。请发送不含该图片的编辑版本。"
    )


class LikenessUnknown(GenerationError):
    """A likeness limit cannot be checked for want of fingerprints."""

    code = "likeness-unknown"
    en = (
        "The terms of {name} limit how like its works a picture may be, and that cannot be checked: a picture or a "
        "work has no fingerprint. Nothing was delivered. Ask for a picture with more detail, or leave it out."
    )
    zh = (
        "{name} 的条款限制图片与其作品的相似度，但无法核查：图片或作品没有指纹。"
        "未交付任何图片。请生成细节更多的图片，或不使用它。"
    )


class UnknownGeneration(GenerationError):
    """No such generation exists, or it is somebody else's."""

    code = "unknown-generation"
    en = "There is no generation {generation} of yours."
    zh = "您没有编号为 {generation} 的生成请求。"


class StyleNotCarried(GenerationError):
    """The model cannot draw in this style."""

    code = "style-not-carried"
    en = "The style {style} belongs to another model than {model}. Choose a style of that model."
    zh = "风格 {style} 不属于模型 {model}。请选择该模型的风格。"


class InputMissing(GenerationError):
    """A listed work has no picture file that could go in."""

    code = "input-missing"
    en = "The work {work} has no picture file here, so it cannot go into a picture."
    zh = "作品 {work} 在此没有图片文件，无法作为输入。"


class UnknownImage(GenerationError):
    """There is no such delivered image, or it is somebody else's."""

    code = "unknown-image"
    en = "There is no such image here, or it is not yours."
    zh = "此处没有该图片，或它不属于您。"


class TooManyRenditions(GenerationError):
    """One image has as many later forms as are kept."""

    code = "too-many-renditions"
    en = "This image has {most} later forms already, as many as are kept. Make a new picture instead."
    zh = "该图片已有 {most} 个后续版本，达到上限。请重新生成一张图片。"


class KeyReused(GenerationError):
    """An idempotency key came back with another request."""

    code = "idempotency-key-reused"
    en = "This Idempotency-Key was used for another request. Send a new key with a new request."
    zh = "该 Idempotency-Key 已用于另一个请求。新的请求请使用新的键。"


class AlreadyEnded(GenerationError):
    """The generation is over and cannot be cancelled."""

    code = "already-ended"
    en = "This generation has ended ({state}); there is nothing left to cancel."
    zh = "该生成已结束（{state}），无法取消。"


class WorkerLost(GenerationError):
    """Two workers stopped while rendering the same request."""

    code = "worker-lost"
    en = "Two workers stopped while making this picture. Change the request, or tell the operator."
    zh = "两个工作进程在生成此图时中断。请修改请求，或告知运营者。"


class InternalFault(GenerationError):
    """Something that nobody foresaw; the log of the worker has it."""

    code = "internal-fault"
    en = "Making this picture failed inside Colophon. Try again; if it stays, tell the operator."
    zh = "生成此图时内部出错。请重试；若仍然如此，请告知运营者。"


class LeaseLost(GenerationError):
    """Another attempt owns this generation now; nothing more may be written for this one."""

    code = "lease-lost"
    en = "Another worker has taken this generation over."
    zh = "该生成已由另一个工作进程接手。"


class WorkerStopping(GenerationError):
    """The worker was told to stop and gives the generation back to the queue."""

    code = "worker-stopping"
    en = "The worker is stopping; the generation waits for the next one."
    zh = "工作进程正在停止；该生成将等待下一个工作进程。"


class Cancelled(GenerationError):
    """The owner called the generation off while it was being made."""

    code = "cancelled"
    en = "The generation was cancelled by its owner."
    zh = "该生成已被所有者取消。"


class RecordErased(GenerationError):
    """What is asked for was erased at the request of the person it concerned."""

    code = "record-erased"
    en = "This was erased on {date} at the request of the person it concerned. Its digests and log entries remain."
    zh = "此内容已于 {date} 应当事人请求删除。其摘要与日志条目仍然保留。"


class UnderDispute(GenerationError):
    """The person is a side of an open dispute, and a dispute is a legal hold."""

    code = "under-dispute"
    en = "You or your works are in dispute ({number}), so nothing may be erased yet. Ask again once it is over."
    zh = "您或您的作品处于争议中（{number} 件），目前不能删除任何内容。请在争议结束后再申请。"


class ErasureNotConfirmed(GenerationError):
    """An erasure was confirmed wrongly or too late."""

    code = "erasure-not-confirmed"
    en = "This confirmation or password does not hold. Ask again what would be erased, and confirm within an hour."
    zh = "该确认或密码无效。请重新查询将被删除的内容，并在一小时内确认。"


class ReasonMissing(GenerationError):
    """A prompt that is not public was to be read without a reason that says something."""

    code = "reason-missing"
    en = "Say in {least} to {most} characters why this prompt has to be read; the reason becomes a log entry."
    zh = "请用 {least} 至 {most} 个字符说明为何须读取该提示词；理由将成为一条日志条目。"


class NotReplayable(GenerationError):
    """Only a generation that was delivered can be drawn again and compared."""

    code = "not-replayable"
    en = "This generation is {state}. Only one that is done has pictures to compare a replay with."
    zh = "该生成的状态为 {state}。只有已完成的生成才有图片可与重放结果比较。"


class ReasonNeeded(GenerationError):
    """An auditor who works on a private prompt says why, and the log keeps it."""

    code = "reason-needed"
    en = "The prompt of this generation is private. Send a reason; the audit log keeps it with your name."
    zh = "该生成的提示词是私密的。请提供理由；审计日志会连同您的名字一并记录。"


class AdapterTooLarge(GenerationError):
    """An adapter file has more bytes than are taken."""

    code = "adapter-too-large"
    en = "This adapter has {size} MB; at most {most} are taken here. Train it with a lower rank."
    zh = "该适配器有 {size} MB，此处最多 {most} MB。请以更低的秩训练。"
