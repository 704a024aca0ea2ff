"""What can go wrong in training a style's adapter."""

from __future__ import annotations

from generation.errors import GenerationError


class TrainingError(GenerationError):
    """A fault in asking for or carrying out the training of a style."""


class UnknownTraining(TrainingError):
    """No such training exists, or it is of a style that the actor does not act for."""

    code = "unknown-training"
    en = "There is no training {training} of a style of yours."
    zh = "您的风格没有编号为 {training} 的训练。"


class ModelNotTrainable(TrainingError):
    """Adapters are trained for one family of models so far."""

    code = "model-not-trainable"
    en = "Adapters are trained for models of the Stable Diffusion kind (UNet, text to image); {model} is a {kind}."
    zh = "目前只能为 Stable Diffusion 类模型（UNet，文生图）训练适配器；{model} 属于 {kind}。"


class ModelNotRegistered(TrainingError):
    """The model that a style is bound to does not stand any more."""

    code = "model-not-registered"
    en = "The model that this style belongs to is not registered any more. Name a model that stands."
    zh = "该风格所属的模型已不再登记。请指定一个现有模型。"


class TooFewWorks(TrainingError):
    """Hardly any work of the style may be trained on."""

    code = "too-few-works"
    en = "Only {usable} of the style's {listed} works may be trained on, and {least} are needed. {said_en}"
    zh = "该风格的 {listed} 件作品中只有 {usable} 件可用于训练，至少需要 {least} 件。{said_zh}"


class TooManyWorks(TrainingError):
    """More works than one training takes."""

    code = "too-many-works"
    en = "The style lists {listed} works; one training takes at most {most}."
    zh = "该风格列有 {listed} 件作品；一次训练最多 {most} 件。"


class TrainingUnderWay(TrainingError):
    """The style is being trained already."""

    code = "training-under-way"
    en = "This style is being trained already ({training}). Wait for it, or cancel it first."
    zh = "该风格正在训练中（{training}）。请等待其完成，或先取消。"


class TrainingEnded(TrainingError):
    """The training is over and cannot be cancelled."""

    code = "training-ended"
    en = "This training has ended ({state}); there is nothing left to cancel."
    zh = "该训练已结束（{state}），无法取消。"


class TrainingWorkersLost(TrainingError):
    """Two workers stopped while training the same style."""

    code = "training-workers-lost"
    en = "Two workers stopped while training this style. Ask for a smaller rank, or tell the operator."
    zh = "两个工作进程在训练此风格时中断。请减小秩（rank），或告知运营者。"


class TrainingOutOfMemory(TrainingError):
    """The device has too little memory for the recipe."""

    code = "training-out-of-memory"
    en = "There was not enough memory on {device} to train with rank {rank} and batch {batch}. Ask for less."
    zh = "{device} 的内存不足以按秩 {rank}、批量 {batch} 训练。请减小数值。"


class TrainingDiverged(TrainingError):
    """The loss is no number any more."""

    code = "training-diverged"
    en = "The training broke off at step {step}: its loss is no number any more. Ask for a lower learning rate."
    zh = "训练在第 {step} 步中断：损失值已不是数字。请降低学习率。"


class WorksChanged(TrainingError):
    """Works opted out or were withdrawn while the adapter was being trained on them."""

    code = "works-changed"
    en = "{works} may not be trained on any more, so this adapter was not kept. Train the style again without it."
    zh = "{works} 已不得用于训练，因此未保留此适配器。请在没有它的情况下重新训练。"


class CheckpointForeign(TrainingError):
    """A checkpoint belongs to other works or another recipe."""

    code = "training-checkpoint-foreign"
    en = "The checkpoint of this training does not fit its works and recipe; it begins anew."
    zh = "该训练的检查点与其作品和配方不符；将从头开始。"
