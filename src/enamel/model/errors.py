"""Everything that can go wrong, as one tree with permanent codes.

    EnamelError
    ├── RequestError            what the caller sent or asked for
    │   ├── Invalid             one or more faults in the body, the query or a header
    │   ├── BodyTooLarge
    │   ├── MediaTypeRefused
    │   ├── VersionNotOffered
    │   ├── NotAuthenticated
    │   ├── Forbidden
    │   ├── NotFound
    │   ├── MethodNotAllowed
    │   ├── NameTaken
    │   ├── WrongState
    │   ├── ActionImpossible    the server's state does not allow the action
    │   ├── KeyReused           an idempotency key with another body
    │   └── KeyInFlight
    ├── QuotaExceeded           before a launch or in the middle of it
    ├── CloudError              what a cloud answered, or failed to answer
    │   ├── CloudUnreachable    nothing was sent
    │   ├── OutcomeUnknown      sent, but the answer never came or means nothing
    │   ├── CloudThrottled
    │   ├── CloudBusy           503: the cloud took nothing
    │   ├── CloudUnauthorized
    │   ├── CloudForbidden
    │   ├── CloudRefused
    │   ├── CloudConflict
    │   ├── Gone
    │   ├── NoValidHost
    │   ├── ServerFailed
    │   ├── ActionFailed
    │   ├── VolumeFailed
    │   ├── ImageFailed
    │   ├── CapabilityMissing
    │   └── CloudUnknown        no such entry in clouds.yaml
    ├── TaskError               how a task can end
    │   ├── TaskCancelled
    │   ├── TaskTimedOut
    │   ├── StepTimedOut
    │   ├── NotReachable        the server is ACTIVE but does not answer
    │   ├── PartlyDone          some servers are up, some failed
    │   └── PlanUnreadable      a stored plan names a step that this version does not know
    └── ServiceError            Enamel's own trouble
        ├── StoreUnavailable
        ├── SchemaMismatch
        ├── LeaseLost
        └── SecretMissing

A class's docstring is the title that people read; `detail` says what happened this time, `remedy` what to do.
Codes are forever: add, document, keep.
"""

from typing import Any, ClassVar

from msgspec import Struct


class Fault(Struct, frozen=True, kw_only=True):
    """One thing that is wrong with a request."""

    pointer: str
    """JSON pointer (RFC 6901) into the body, or `?name` for a query parameter, or a header's name."""
    detail: str
    """What is wrong, and what would be right."""
    code: str = "invalid"
    """A word that tells programs which rule was broken."""


class EnamelError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "enamel.error"
    """The permanent name of this kind of error."""
    status: ClassVar[int] = 500
    """The HTTP status with which it is answered."""
    retryable: ClassVar[bool] = False
    """Whether the same thing, asked again later, may succeed."""
    remedy: ClassVar[str] = ""
    """What the reader can do about it."""

    def __init__(
        self,
        detail: str = "",
        *,
        cloud: str | None = None,
        request_ids: tuple[str, ...] = (),
        faults: tuple[Fault, ...] = (),
        remedy: str | None = None,
        **data: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.cloud = cloud
        self.request_ids = request_ids
        self.faults = faults
        self.data = data
        """More facts for programs, for example `wanted` and `free` of a quota."""
        self.advice = self.remedy if remedy is None else remedy

    @property
    def title(self) -> str:
        """Return the first line of the class's docstring."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


# -- what the caller sent or asked for


class RequestError(EnamelError):
    """The request cannot be carried out."""

    code = "enamel.request.refused"
    status = 400


class Invalid(RequestError):
    """The request has faults."""

    code = "enamel.request.invalid"
    remedy = "Correct each fault that is listed and send the request again."


class BodyTooLarge(RequestError):
    """The body is larger than this service takes."""

    code = "enamel.request.too_large"
    status = 413
    remedy = "Send at most 1 MiB."


class MediaTypeRefused(RequestError):
    """The body is not of a media type that this route takes."""

    code = "enamel.request.media_type"
    status = 415
    remedy = "Send JSON with Content-Type: application/json."


class VersionNotOffered(RequestError):
    """The version of the API that was asked for is not on offer."""

    code = "enamel.request.version"
    status = 406
    remedy = "Ask for a version between the two that the answer's headers name, or for `latest`."


class NotAuthenticated(RequestError):
    """The caller did not prove who they are."""

    code = "enamel.request.not_authenticated"
    status = 401


class Forbidden(RequestError):
    """The caller may not do this."""

    code = "enamel.request.forbidden"
    status = 403


class NotFound(RequestError):
    """There is no such thing, or the caller may not see it."""

    code = "enamel.request.not_found"
    status = 404


class MethodNotAllowed(RequestError):
    """The route does not know this method."""

    code = "enamel.request.method"
    status = 405


class NameTaken(RequestError):
    """The name is taken in this project."""

    code = "enamel.request.name_taken"
    status = 409
    remedy = "Choose another name, or remove what has it."


class WrongState(RequestError):
    """The thing is not in a state that allows this."""

    code = "enamel.request.wrong_state"
    status = 409


class ActionImpossible(RequestError):
    """The server's present state does not allow this action."""

    code = "enamel.request.action_impossible"
    remedy = "Choose one of the actions that `possible` lists, or bring the server into another state first."


class KeyReused(RequestError):
    """The Idempotency-Key was used before with another request."""

    code = "enamel.request.key_reused"
    status = 422
    remedy = "Use a new key for a new request."


class KeyInFlight(RequestError):
    """The first request with this Idempotency-Key is still being accepted."""

    code = "enamel.request.key_in_flight"
    status = 409
    retryable = True
    remedy = "Send the same request again in a second."


class QuotaExceeded(EnamelError):
    """The project's quota is not enough."""

    code = "enamel.cloud.quota_exceeded"
    status = 403
    remedy = "Ask for less, free something, or ask the cloud's operators for a larger quota."


# -- what a cloud answered


class CloudError(EnamelError):
    """The cloud could not do what was asked."""

    code = "enamel.cloud.error"
    status = 502


class CloudUnreachable(CloudError):
    """The cloud does not answer."""

    code = "enamel.cloud.unreachable"
    status = 503
    retryable = True
    remedy = "Check the cloud's address and whether its services are up; the same request may succeed later."


class OutcomeUnknown(CloudError):
    """The cloud took a request and gave no usable answer."""

    code = "enamel.cloud.outcome_unknown"
    retryable = True
    remedy = "Enamel looks the effect up before it tries again; if it persists, report the request ids to the cloud's operators."


class CloudThrottled(CloudError):
    """The cloud asks to be called less often."""

    code = "enamel.cloud.throttled"
    status = 503
    retryable = True
    remedy = "Wait; Enamel slows down by itself."


class CloudBusy(CloudError):
    """The cloud is not available just now and took nothing."""

    code = "enamel.cloud.busy"
    status = 503
    retryable = True


class CloudUnauthorized(CloudError):
    """The cloud refuses the credentials."""

    code = "enamel.cloud.unauthorized"
    remedy = "Check the user, password or application credential in clouds.yaml."


class CloudForbidden(CloudError):
    """The cloud's policy does not let this user do that."""

    code = "enamel.cloud.forbidden"
    status = 403
    remedy = "Ask the cloud's operators for the role that this needs."


class CloudRefused(CloudError):
    """The cloud refused a request as wrong."""

    code = "enamel.cloud.refused"
    status = 400


class CloudConflict(CloudError):
    """The cloud refused because of the state that something is in."""

    code = "enamel.cloud.conflict"
    status = 409


class Gone(CloudError):
    """The cloud no longer has it."""

    code = "enamel.cloud.gone"
    status = 404
    remedy = "Somebody else may have deleted it; start again."


class NoValidHost(CloudError):
    """The cloud found no host with room for the server."""

    code = "enamel.cloud.no_valid_host"
    remedy = "Choose a smaller server type or another placement, or try again later."


class ServerFailed(CloudError):
    """The server went to ERROR."""

    code = "enamel.cloud.server_failed"


class ActionFailed(CloudError):
    """The cloud took an action on a server and did not bring it about."""

    code = "enamel.cloud.action_failed"
    remedy = "Read the reason that the cloud gives; the server's possible actions are among its links."


class VolumeFailed(CloudError):
    """The volume went to an error state."""

    code = "enamel.cloud.volume_failed"
    remedy = (
        "Choose another volume type or a smaller size, or ask the cloud's operators why its storage refused."
    )


class ImageFailed(CloudError):
    """The image went to an error state."""

    code = "enamel.cloud.image_failed"


class CapabilityMissing(CloudError):
    """The cloud lacks what the plan needs."""

    code = "enamel.cloud.capability_missing"
    status = 400


class CloudUnknown(CloudError):
    """There is no such cloud in the configuration."""

    code = "enamel.cloud.unknown"
    status = 400
    remedy = "Use one of the names in clouds.yaml, or add an entry."


# -- how a task can end


class TaskError(EnamelError):
    """The task did not reach its end."""

    code = "enamel.task.failed"


class TaskCancelled(TaskError):
    """The task was cancelled."""

    code = "enamel.task.cancelled"
    status = 409


class TaskTimedOut(TaskError):
    """The task did not end within its time."""

    code = "enamel.task.timed_out"
    status = 504
    retryable = True
    remedy = "Give the task a larger `timeout`, or find the step that took so long in its items."


class StepTimedOut(TaskError):
    """A step did not end within its time."""

    code = "enamel.task.step_timed_out"
    status = 504
    retryable = True


class NotReachable(StepTimedOut):
    """The server is ACTIVE, but does not answer on its address."""

    code = "enamel.task.not_reachable"
    remedy = "Check the security group's rules, what the image starts, and whether this service can reach the address."


class PartlyDone(TaskError):
    """Some of the servers are up, and some failed."""

    code = "enamel.task.partly_done"
    remedy = "Read each server's `error`; restart the task to have the missing ones made, or revert it."


class PlanUnreadable(TaskError):
    """The stored plan has a step that this version does not know."""

    code = "enamel.task.plan_unreadable"
    remedy = "Run a worker of the version that made the plan, or cancel the task."


# -- Enamel's own trouble


class ServiceError(EnamelError):
    """Enamel has trouble of its own."""

    code = "enamel.service.error"
    status = 503


class StoreUnavailable(ServiceError):
    """The task store does not answer."""

    code = "enamel.service.store_unavailable"
    retryable = True
    remedy = "Nothing is lost; try again when the database is back."


class SchemaMismatch(ServiceError):
    """The database's schema is not the one that this version needs."""

    code = "enamel.service.schema_mismatch"


class LeaseLost(ServiceError):
    """This worker's lease is over; others have its tasks now."""

    code = "enamel.service.lease_lost"


class SecretMissing(ServiceError):
    """A secret that the task needs is not in the key store."""

    code = "enamel.service.secret_missing"
    status = 500


def tree(root: type[EnamelError] = EnamelError) -> list[type[EnamelError]]:
    """Return a class of errors and all below it, in order of definition."""
    return [root, *(kind for child in root.__subclasses__() for kind in tree(child))]


def by_code(code: str) -> type[EnamelError]:
    """Return the class that has a code; EnamelError where none has it."""
    return next((kind for kind in tree() if kind.code == code), EnamelError)
