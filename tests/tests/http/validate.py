"""Validates docs/openapi.json, answers against it, and documents of bmpctl against docs/bmpctl.schema.json.

Standard input has a JSON object a line: an answer, with `path` as the description spells it, `status`, `type` and `body`; or
a `document` of bmpctl. Says what is wrong, and which paths and kinds it has seen, on standard output.
"""
import json
import sys
from urllib.parse import quote

from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

description, schema = (json.load(open(path)) for path in sys.argv[1:3])
faults = [f"the description: {error.message}" for error in OpenAPIV31SpecValidator(description).iter_errors()]
Draft202012Validator.check_schema(schema)
registry = Registry().with_resource("api", Resource(contents=description, specification=DRAFT202012))
seen = set()


def validator(schema):
    return Draft202012Validator(schema, registry=registry, format_checker=FormatChecker())


def check(what, of, value):
    for error in of.iter_errors(value):
        faults.append(f"{what}: {error.json_path}: {error.message[:500]}")


for line in sys.stdin:
    answer = json.loads(line)
    if "document" in answer:
        document = answer["document"]
        check(f"bmpctl, {document['kind']}", validator(schema), document)
        seen.add(document["kind"])
        continue
    path, status = answer["path"], str(answer["status"])
    what = f"{path}, {status}"
    response = description["paths"].get(path, {}).get("get", {"responses": {}})["responses"].get(status)
    if response is None:
        faults.append(f"{what}: is not described")
    elif answer["type"] not in response["content"]:
        faults.append(f"{what}: {answer['type']} is not described")
    else:
        names = ["paths", path, "get", "responses", status, "content", answer["type"], "schema"]
        pointer = "/".join(name.replace("~", "~0").replace("/", "~1") for name in names)
        of = "api#/" + quote(pointer)
        check(what, validator({"$ref": of}), json.loads(answer["body"]))
        if status == "200":
            seen.add(path)
unseen = sorted(set(description["paths"]) - seen)
if unseen:
    faults.append(f"never answered: {', '.join(unseen)}")
print("\n".join(faults))
sys.exit(1 if faults else 0)
