"""What can go wrong between an order and its pictures."""

from __future__ import annotations

from generation.errors import GenerationError


class PipelineError(GenerationError):
    """A fault in loading a model or drawing with it."""

    code = "pipeline-error"
    en = "The model could not draw this picture. Try again; if it stays, tell the operator."
    zh = "模型未能画出这张图片。请重试；若仍然如此，请告知运营者。"


class PipelineUnknown(PipelineError):
    """The settings name a pipeline class that cannot be imported."""

    code = "pipeline-unknown"
    en = "The pipeline {path!r} cannot be used: {reason}. Name an importable class in the settings."
    zh = "无法使用管线 {path!r}：{reason}。请在设置中填写可以导入的类。"


class UnknownScheduler(PipelineError):
    """The order names a scheduler that Colophon does not offer."""

    code = "unknown-scheduler"
    en = "There is no scheduler {name!r}. Choose one of: {known}."
    zh = "没有名为 {name!r} 的调度器。请从以下选择：{known}。"


class SchedulerUnfit(PipelineError):
    """The order names a scheduler that this model was not trained for."""

    code = "scheduler-unfit"
    en = "The scheduler {name!r} does not fit this model. Choose one of: {known}; or name none."
    zh = "调度器 {name!r} 不适用于该模型。请从以下选择：{known}；或者不指定。"


class TaskUnsupported(PipelineError):
    """The model cannot do the task that was asked for."""

    code = "task-unsupported"
    en = "This model cannot do {task}; it can do: {tasks}. Choose another model or task."
    zh = "该模型不支持 {task}，支持：{tasks}。请换一个模型或任务。"


class SizeUnfit(PipelineError):
    """The model cannot draw pictures of the size that was asked for."""

    code = "size-unfit"
    en = "This model cannot draw {width} x {height}: both sides must be multiples of {multiple}."
    zh = "该模型无法画 {width} x {height} 的图片：两边都必须是 {multiple} 的倍数。"


class OrderIncomplete(PipelineError):
    """The order lacks something that its task needs."""

    code = "order-incomplete"
    en = "This order for {task} cannot be drawn: {reason}. Send it again with that mended."
    zh = "无法执行这个 {task} 请求：{reason_zh}。请修正后重新提交。"


class OutOfMemory(PipelineError):
    """The device has too little memory for the order."""

    code = "out-of-memory"
    en = "There was not enough memory on {device} for {count} picture(s) of {width} x {height}. Ask for less."
    zh = "{device} 的内存不足以画 {count} 张 {width} x {height} 的图片。请减少数量或尺寸。"


class WeightsChanged(PipelineError):
    """A weight file is not what it was when the model was registered."""

    code = "weights-changed"
    en = "The model's file {file} is not the one that was registered ({found}). Restore it or register anew."
    zh = "模型文件 {file} 与登记时不同（{found}）。请恢复该文件，或重新登记模型。"


class ModelReplaced(WeightsChanged):
    """A request waited for weights that newer ones have replaced, and whose files are gone."""

    code = "model-replaced"
    en = "The weights of {model} were replaced while this request waited, and the old files are gone. Ask again."
    zh = "此请求等待期间，{model} 的权重已被替换，旧文件已不存在。请重新提交请求。"


class PickleRefused(PipelineError):
    """A model or adapter keeps its weights as a pickle, which can run code when it is read."""

    code = "pickle-refused"
    en = (
        "{file} is a pickle, which can run a stranger's code when read, so only safetensors are loaded. "
        "Where you trust its maker, load it with diffusers on a machine of its own "
        "and write it again with save_pretrained(folder, safe_serialization=True)."
    )
    zh = (
        "{file} 是 pickle 文件，读取时可能执行他人的代码，因此只加载 safetensors。"
        "若你信任其作者，请在单独的机器上用 diffusers 加载，"
        "再以 save_pretrained(folder, safe_serialization=True) 重新保存。"
    )


class CustomCodeRefused(PipelineError):
    """A model wants code of its own to run."""

    code = "custom-code-refused"
    en = "This model needs code of its own ({file}), which is never run. Use one that diffusers can load."
    zh = "该模型需要运行自带代码（{file}），Colophon 从不运行这类代码。请改用 diffusers 本身支持的模型。"


class ModelUnreadable(PipelineError):
    """A model's folder is incomplete or broken."""

    code = "model-unreadable"
    en = "The model cannot be read: {file}: {reason}. Fetch or save the folder again."
    zh = "无法读取模型：{file}：{reason}。请重新获取或保存该文件夹。"


class HubUnreachable(PipelineError):
    """A model named by its hub id is neither stored here nor to be had."""

    code = "hub-unreachable"
    en = "The model {source} is not stored here and the hub cannot be asked ({reason}). Name a folder instead."
    zh = "本机没有存储模型 {source}，且模型中心没有响应（{reason}）。请改用本地文件夹。"


class AdapterUnfit(PipelineError):
    """An adapter cannot be applied to this model."""

    code = "adapter-unfit"
    en = "The adapter {adapter} cannot be applied: {reason}. Choose one made for this model."
    zh = "无法使用适配器 {adapter}：{reason}。请选择为该模型制作的适配器。"


class RenderFailed(PipelineError):
    """The model broke off while drawing."""

    code = "render-failed"
    en = "The model broke off while drawing ({reason}). Try other settings; if it stays, tell the operator."
    zh = "模型在绘制中出错（{reason}）。请更换设置重试；若仍然如此，请告知运营者。"


class PicturesMiscounted(PipelineError):
    """The model drew another number of pictures than there were seeds."""

    code = "pictures-miscounted"
    en = "The model drew {made} pictures where {asked} were asked for; none was kept. Tell the operator."
    zh = "应生成 {asked} 张图片，模型却画出 {made} 张；均未保留。请告知运营者。"
