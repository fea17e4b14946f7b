// The description of the routes as OpenAPI 3.1 has it, and as a page.
#pragma once

#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "server/description.h"
#include "server/server.h"

namespace vecton::server {

// Every operation, in the order that a reader meets them.
std::vector<const OperationRow*> described_operations();

// A body's schema, complete with what its fields are inside of.
json::object body_schema(const BodyRow& body);

// What the server of `options` takes and answers: keys where it asks for them, optional routes
// where they are served.
json::object openapi_document(const ServerOptions& options);

// The same as one page of HTML, without scripts and without anything from elsewhere.
std::string docs_page(const json::object& document);

}  // namespace vecton::server
