"""What goes wrong, as exceptions. Each class also derives from what scripts of other libraries catch."""


class VectonError(Exception):
    """A failure that Vecton reports. `code` is its kind, `field` the option or field that is wrong, or ""."""

    code = "internal"
    field = ""


class InvalidArgument(VectonError, ValueError):
    """A field of a request or an option is wrong."""


class TooLong(InvalidArgument):
    """The input has more tokens than the model takes."""


class Unsupported(VectonError, NotImplementedError, ValueError):
    """A model, task or feature that is not served."""


class NotFound(VectonError, FileNotFoundError, LookupError):
    """No such file, model or name."""


class Unauthorized(VectonError, PermissionError):
    """A token is missing or not allowed."""


class Corrupt(VectonError, ValueError):
    """A file's bytes are not what its format says."""


class IoError(VectonError, OSError):
    """The system refused to read or write."""


class NetworkError(VectonError, ConnectionError):
    """The model hub could not be reached."""


class QueueFull(VectonError, RuntimeError):
    """The engine has as much work as it takes: try again later."""


class Cancelled(VectonError):
    """The request was given up, or the engine was closed."""


class InternalError(VectonError, RuntimeError):
    """A defect of Vecton, or a model that gives numbers that are not finite."""


BY_CODE = {
    "invalid_argument": InvalidArgument, "too_long": TooLong, "unsupported": Unsupported, "not_found": NotFound,
    "unauthorized": Unauthorized, "corrupt": Corrupt, "io": IoError, "network": NetworkError, "queue_full": QueueFull,
    "cancelled": Cancelled, "internal": InternalError,
}
