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
