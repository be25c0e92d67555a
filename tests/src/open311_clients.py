"""Reads and files with two Open311 clients that others wrote: `georeport` and `three`.

Arguments: the endpoint, the jurisdiction, a key. Prints what they saw as one JSON object.
"""
import itertools
import json
import sys

# `three` was written for a Python that still had it.
itertools.ifilter = filter

import georeport
import three

endpoint, jurisdiction, key = sys.argv[1:4]

city = three.Three(endpoint, api_key=key, jurisdiction=jurisdiction, format="json")
(filed,) = city.post(
    "pothole",
    lat="39.9208",
    long="32.8541",
    address="Çarşı Sk. 5",
    name="Ayşe Öz",
    email="ayse@ornek.example",
    description="Köşede derin bir çukur var: ğüşıöç",
    **{"attribute[size]": "large", "attribute[depth]": "12"},
)
number = filed["service_request_id"]
(refused,) = city.post("pothole", lat="39.9208", long="32.8541", **{"attribute[size]": "enormous"})
(token,) = city.token(number)
(one,) = city.request(number)

seen = {
    "number": number,
    "token": token,
    "one": one,
    "refused": refused,
    "discovery": city.discovery(),
    "services": len(city.services()),
    "asked": [it["code"] for it in city.services("pothole")["attributes"]],
    "listed": [it["service_request_id"] for it in city.requests("pothole", status="open", count=5)],
}
for form in ("json", "xml"):
    client = georeport.GeoReport(endpoint, jurisdiction=jurisdiction, output_format=form)
    definition = client.get_service_definition("pothole")
    requests = client.get_service_requests(service_request_id=number)
    # An XML reader without a schema gives a list of one as the one.
    requests = requests if isinstance(requests, list) else [requests]
    seen[form] = {
        "services": len(client.get_service_list()),
        "definition": definition["service_code"],
        "request": client.get_service_request(number),
        "listed": [it["service_request_id"] for it in requests],
    }
print(json.dumps(seen))
