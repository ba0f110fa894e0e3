"""What schemathesis cannot know from the document: values that only a reply can
give, and rules that only words can say."""

import os
from urllib.parse import parse_qs, urlsplit
from uuid import NAMESPACE_URL, uuid5

import schemathesis
from schemathesis.core.parameters import ParameterLocation

TOKEN = "Consistency-Token"
KEY = "Idempotency-Key"

positions = {}  # of an application: the Consistency-Token of its last write
pages = {}  # of a path: the query of the next page, from its Link
shrunk = set()  # applications of which something was deleted
uses = {}  # of an application and an Idempotency-Key


@schemathesis.hook
def before_call(context, case, kwargs):
    """Consistency-Token and cursor are not made up by clients but brought from
    replies. Where a wrong one is wanted, it stays."""
    application = (case.path_parameters or {}).get("token")
    if TOKEN in case.operation.headers and not negative(case, ParameterLocation.HEADER):
        known = positions.get(application)
        # Without a token a read may show what was deleted a moment ago.
        if known and (TOKEN in case.headers or application in shrunk):
            case.headers[TOKEN] = known
        elif TOKEN in case.headers:
            del case.headers[TOKEN]
    if KEY in case.headers and not negative(case, ParameterLocation.HEADER):
        # The second use of a key shows its refusal; from the third on the case
        # gets a key of its own, else little would ever be written.
        used = uses[application, case.headers[KEY]] = uses.get((application, case.headers[KEY]), 0) + 1
        if used > 2:
            case.headers[KEY] = str(uuid5(NAMESPACE_URL, f"{case.headers[KEY]} {used}"))
    if "cursor" in (case.query or {}) and not negative(case, ParameterLocation.QUERY):
        if case.formatted_path in pages:
            case.query = dict(pages[case.formatted_path])
        else:
            del case.query["cursor"]


def negative(case, location):
    return case.meta is not None and case.meta.is_negative_at(location)


@schemathesis.hook
def after_call(context, case, response):
    application = (case.path_parameters or {}).get("token")
    for value in response.headers.get(TOKEN.lower(), []):
        positions[application] = value
        if case.method == "DELETE":
            shrunk.add(application)
    for value in response.headers.get("link", []):
        target = value[value.index("<") + 1 : value.index(">")]
        pages[case.formatted_path] = {k: v[0] for k, v in parse_qs(urlsplit(target).query).items()}


# Refusals of what the document's schemas allow, and why they cannot say it.
BEYOND_SCHEMAS = {
    # the same key came with another request before
    (422, "Idempotency-Key was used with another request"): lambda case: KEY in case.headers,
    # bytes and words are counted, schemas count characters
    (413, "Message is larger than 64 KiB"): lambda case: len(str(case.body["message"]).encode("utf-8", "surrogatepass")) > 65536,
    (400, "Search text is too long"): lambda case: len(text(case).encode()) > 4096 or len(text(case).split()) > 32,
}


def text(case):
    return str((case.path_parameters or {}).get("query") or (case.query or {}).get("q") or "")


@schemathesis.hook
def filter_failure(context, failure, case, response):
    if failure.code == "ST202":
        try:
            reason = BEYOND_SCHEMAS.get((response.status_code, response.json()["error"]))
        except (ValueError, KeyError, TypeError):
            return True
        return reason is None or not reason(case)
    # A message that is too large is refused as the contract says, with a status
    # that schemathesis does not take for a refusal.
    return not (failure.code == "ST201" and response.status_code == 413)


@schemathesis.hook
def before_load_schema(context, raw_schema):
    """Leaves what the service has that is tried: its Allow is compared with what
    the document has left."""
    service = os.environ["CHATLOG_CONTRACT_SERVICE"]
    gone = set()
    for path, item in list(raw_schema["paths"].items()):
        for method in [m for m in ("get", "post", "put", "delete") if m in item]:
            if service not in {s["description"] for s in item[method].get("servers", [{"description": "query"}])}:
                gone.add(item.pop(method)["operationId"])
        if not {"get", "post", "put", "delete"} & set(item):
            del raw_schema["paths"][path]
    links = raw_schema["components"]["links"]
    dead = {name for name, link in links.items() if link["operationId"] in gone}
    for name in dead:
        del links[name]
    for reply in raw_schema["components"]["responses"].values():
        reply["links"] = {n: l for n, l in reply.get("links", {}).items() if l["$ref"].rsplit("/", 1)[1] not in dead}
