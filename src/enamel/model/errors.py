"""Every error, as one tree with permanent codes.

    EnamelError
    ├── RequestError            what the caller sent or asked for
    │   ├── Invalid             one or more faults in the body, the query or a header
    │   ├── BodyTooLarge
    │   ├── BodyTooSlow
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
    │   ├── CloudUnusable       an answer in JSON, but not the one that was asked for
    │   ├── OutcomeUnknown      sent, but the answer never came or means nothing
    │   ├── CloudThrottled
    │   ├── CloudBusy           503: the request had no effect
    │   ├── CloudUnauthorized
    │   ├── CloudUntrusted      a certificate that cannot be verified
    │   ├── CloudForbidden
    │   ├── CloudRefused
    │   ├── CloudConflict
    │   │   └── Obstructed      a lock, an attachment or a snapshot that does not go by itself
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
    │   ├── NotRemoved          some of what was to be removed still exists
    │   └── PlanUnreadable      a stored plan names a step that this version does not know
    └── ServiceError            internal errors
        ├── StoreUnavailable
        ├── StoreRefused        the database accepts other writes, and never this one
        ├── SchemaMismatch
        ├── LeaseLost
        └── SecretMissing
            └── KeyStoreUnavailable

A class's docstring is the title that people read; `detail` says what happened this time, `remedy` what to do.
Codes are forever: add, document, keep.
"""

from typing import Any, ClassVar

from enamel.model.fault import MOST_FAULTS as MOST_FAULTS
from enamel.model.fault import Fault as Fault


class EnamelError(Exception):
    """An error occurred."""

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
        self.faults = tuple(faults[:MOST_FAULTS])
        self.data = data
        """More facts for programs, for example `wanted` and `free` of a quota."""
        self.advice = self.remedy if remedy is None else remedy

    @property
    def title(self) -> str:
        """Return the first line of the class's docstring."""
        return (type(self).__doc__ or "").strip().splitlines()[0]


# -- what the caller sent or requested


class RequestError(EnamelError):
    """The request cannot be carried out."""

    code = "enamel.request.refused"
    status = 400


class Invalid(RequestError):
    """The request is invalid."""

    code = "enamel.request.invalid"
    remedy = "Fix the errors above and try again."


class BodyTooLarge(RequestError):
    """The body is larger than this service accepts."""

    code = "enamel.request.too_large"
    status = 413
    remedy = "Send at most 1 MiB."


class BodyTooSlow(RequestError):
    """The body did not arrive in time."""

    code = "enamel.request.too_slow"
    status = 408
    remedy = "Send the request again."


class MediaTypeRefused(RequestError):
    """The body's media type is not accepted on this route."""

    code = "enamel.request.media_type"
    status = 415
    remedy = "Send JSON with Content-Type: application/json."


class VersionNotOffered(RequestError):
    """The requested version of the API is not supported."""

    code = "enamel.request.version"
    status = 406
    remedy = "Request a version between OpenStack-API-Minimum-Version and OpenStack-API-Maximum-Version, or `latest`."


class NotAuthenticated(RequestError):
    """The request is not authenticated."""

    code = "enamel.request.not_authenticated"
    status = 401


class Forbidden(RequestError):
    """The caller is not allowed to do this."""

    code = "enamel.request.forbidden"
    status = 403


class NotFound(RequestError):
    """The resource does not exist, or the caller may not see it."""

    code = "enamel.request.not_found"
    status = 404


class MethodNotAllowed(RequestError):
    """The method is not allowed on this route."""

    code = "enamel.request.method"
    status = 405


class NameTaken(RequestError):
    """The name is taken in this project."""

    code = "enamel.request.name_taken"
    status = 409
    remedy = "Choose another name, or delete the resource that has it."


class WrongState(RequestError):
    """The resource's current state does not allow this operation."""

    code = "enamel.request.wrong_state"
    status = 409


class ActionImpossible(RequestError):
    """The server's current state does not allow this action."""

    code = "enamel.request.action_impossible"
    remedy = "Choose one of the actions that `possible` lists, or change the server's state first."


class KeyReused(RequestError):
    """The Idempotency-Key was already used with another request."""

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
    """The project's quota is exceeded."""

    code = "enamel.cloud.quota_exceeded"
    status = 403
    remedy = "Request less, delete something, or ask the cloud's operators for a larger quota."


# -- what a cloud answered


class CloudError(EnamelError):
    """The cloud could not carry out a request."""

    code = "enamel.cloud.error"
    status = 502


class CloudUnreachable(CloudError):
    """The cloud does not answer."""

    code = "enamel.cloud.unreachable"
    status = 503
    retryable = True
    remedy = "Check the cloud's address and whether its services are up; the same request may succeed later."


class CloudUnusable(CloudError):
    """The cloud's answer lacks what was asked for."""

    code = "enamel.cloud.unusable"
    retryable = True
    remedy = (
        "Report the request ids to the cloud's operators; other requests to the service are not affected."
    )


class OutcomeUnknown(CloudError):
    """The cloud received a request, but no usable answer arrived."""

    code = "enamel.cloud.outcome_unknown"
    retryable = True
    remedy = (
        "Enamel checks for the effect before it tries again; if the error persists, report the request ids to the "
        "cloud's operators."
    )


class CloudThrottled(CloudError):
    """The cloud limits the rate of requests."""

    code = "enamel.cloud.throttled"
    status = 503
    retryable = True
    remedy = "Wait; Enamel slows down automatically."


class CloudBusy(CloudError):
    """The service is unavailable (503); the request had no effect."""

    code = "enamel.cloud.busy"
    status = 503
    retryable = True


class CloudUnauthorized(CloudError):
    """The cloud rejected the credentials."""

    code = "enamel.cloud.unauthorized"
    remedy = "Check the user, password or application credential in clouds.yaml."


class CloudUntrusted(CloudError):
    """The cloud's certificate cannot be verified; nothing was sent."""

    code = "enamel.cloud.untrusted"
    remedy = "Name the authority that issued the certificate as `cacert` in the cloud's entry of clouds.yaml."


class CloudForbidden(CloudError):
    """The cloud's policy does not allow this user to do that."""

    code = "enamel.cloud.forbidden"
    status = 403
    remedy = "Ask the cloud's operators for the required role."


class CloudRefused(CloudError):
    """The cloud rejected a request as invalid."""

    code = "enamel.cloud.refused"
    status = 400


class CloudConflict(CloudError):
    """The cloud rejected a request because of a resource's state."""

    code = "enamel.cloud.conflict"
    status = 409


class Obstructed(CloudConflict):
    """Something else must be unlocked, detached or deleted first."""

    code = "enamel.cloud.obstructed"
    remedy = "Remove the obstacle, then try again."


class Gone(CloudError):
    """The resource no longer exists on the cloud."""

    code = "enamel.cloud.gone"
    status = 404
    remedy = "Someone else may have deleted it; start again."


class NoValidHost(CloudError):
    """The cloud found no host with room for the server."""

    code = "enamel.cloud.no_valid_host"
    remedy = "Choose a smaller server type or another placement, or try again later."


class ServerFailed(CloudError):
    """The server went to ERROR."""

    code = "enamel.cloud.server_failed"


class ActionFailed(CloudError):
    """The cloud accepted an action on a server, but it failed."""

    code = "enamel.cloud.action_failed"
    remedy = "Read the cloud's reason; the actions that are possible now are among the server's links."


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
    """The cloud does not offer a required capability."""

    code = "enamel.cloud.capability_missing"
    status = 400


class CloudUnknown(CloudError):
    """The cloud is not configured."""

    code = "enamel.cloud.unknown"
    status = 400
    remedy = "Use one of the names in clouds.yaml, or add an entry."


# -- how a task can end


class TaskError(EnamelError):
    """The task failed."""

    code = "enamel.task.failed"


class TaskCancelled(TaskError):
    """The task was cancelled."""

    code = "enamel.task.cancelled"
    status = 409


class TaskTimedOut(TaskError):
    """The task timed out."""

    code = "enamel.task.timed_out"
    status = 504
    retryable = True
    remedy = "Raise the `timeout`, or find the slow step among the task's items."


class StepTimedOut(TaskError):
    """A step timed out."""

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


class NotRemoved(TaskError):
    """Some of what was to be removed still exists."""

    code = "enamel.task.not_removed"
    status = 409
    remedy = "Remove the obstacles that `left` names, then revert the task again."


class PlanUnreadable(TaskError):
    """The stored plan has a step that this version does not know."""

    code = "enamel.task.plan_unreadable"
    remedy = "Run a worker of the version that made the plan, or cancel the task."


# -- internal errors


class ServiceError(EnamelError):
    """Internal error."""

    code = "enamel.service.error"
    status = 503


class StoreUnavailable(ServiceError):
    """The task store does not answer."""

    code = "enamel.service.store_unavailable"
    retryable = True
    remedy = "Nothing is lost; try again when the database is back."


class StoreRefused(ServiceError):
    """The database refuses this write, and would refuse it again."""

    code = "enamel.service.store_refused"
    remedy = "Read the worker's or the API's log: it names the reason."


class SchemaMismatch(ServiceError):
    """The database's schema does not match this version."""

    code = "enamel.service.schema_mismatch"


class LeaseLost(ServiceError):
    """The lease of this worker has expired; other workers have its tasks."""

    code = "enamel.service.lease_lost"


class SecretMissing(ServiceError):
    """A secret of the task is not in the key store."""

    code = "enamel.service.secret_missing"
    status = 500


class KeyStoreUnavailable(SecretMissing):
    """The key store cannot be used."""

    code = "enamel.service.key_store_unavailable"
    status = 503
    retryable = True
    remedy = "Nothing was accepted; try again when the key store can be used."
