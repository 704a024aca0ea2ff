"""What can go wrong in collecting pictures for the starter model and in training it."""

from __future__ import annotations

from generation.errors import GenerationError


class StarterError(GenerationError):
    """A fault in making or reading the starter model."""


class PackageMissing(StarterError):
    """A set of pictures could not be fetched or is not in the cache."""

    code = "starter-package-missing"
    en = "The package {package} at version {version} could not be read ({reason}). It should hold {digest}; check npm."
    zh = "无法读取软件包 {package} 的 {version} 版本（{reason}）。其摘要应为 {digest}；请检查 npm。"


class PackageChanged(StarterError):
    """A set of pictures is not the one that the model was trained on."""

    code = "starter-package-changed"
    en = "{package} {version} has the digest {found} where {digest} is expected. Delete the cache and fetch it again."
    zh = "{package} {version} 的摘要是 {found}，而应为 {digest}。请删除缓存后重新获取。"


class PictureMissing(StarterError):
    """A set has no picture under a name that the subject list gives."""

    code = "starter-picture-missing"
    en = "{package} has no picture named {name}, which the subject {subject} refers to. Correct subjects.toml."
    zh = "{package} 中没有名为 {name} 的图片，而主题 {subject} 引用了它。请修正 subjects.toml。"


class CollectionDamaged(StarterError):
    """The shipped manifest or its pictures cannot be read."""

    code = "starter-collection-damaged"
    en = "The starter collection {path} cannot be read: {reason}. Restore the file from the repository."
    zh = "无法读取入门图集 {path}：{reason}。请从仓库恢复该文件。"


class CheckpointForeign(StarterError):
    """A checkpoint belongs to other data or another recipe."""

    code = "starter-checkpoint-foreign"
    en = "The checkpoint {path} was made from other pictures or settings. Choose an empty folder or delete it."
    zh = "检查点 {path} 来自其他图片或设置。请换一个空文件夹或将其删除。"


class TextImageDamaged(StarterError):
    """The text-image model's folder does not hold one that can be read."""

    code = "starter-text-image-damaged"
    en = "The text-image model {path} cannot be read: {reason}. Restore the folder, or train it with make starter."
    zh = "无法读取图文模型 {path}：{reason}。请恢复该文件夹，或用 make starter 重新训练。"


class NotBetter(StarterError):
    """A newly made model measured worse than the one that stands."""

    code = "starter-not-better"
    en = "The new model is right in {after} of trained pairs, the one that stands in {before}. It was not installed."
    zh = "新模型在训练组合上的正确率为 {after}，现有模型为 {before}。未安装新模型。"
