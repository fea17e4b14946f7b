// GET / for people: one page of HTML to try the model on. Its parts lie in playground/ and are
// compiled into the program; the page is the same for every server and says nothing of the model,
// which it asks for over the routes that every client has.
#pragma once

#include <string>
#include <string_view>

#include "server/http.h"

namespace vecton::server {

// Whether an Accept header names text/html, as browsers' do, and wants JSON no more than that.
// "*/*", which other clients send, does not name it.
bool asks_for_html(std::string_view accept);

// The page; 304 without it where `if_none_match` has its tag. Its policy lets no script run but its
// own, and asks no other server for anything.
HttpResponse playground(std::string_view if_none_match);

// A file of playground/, and its SHA-256 in hexadecimal digits.
struct PlaygroundFile {
  std::string_view text, sha256;
};
// Written when the program is built (cmake/EmbedFiles.cmake).
extern const PlaygroundFile kPlaygroundHtml, kPlaygroundCss, kPlaygroundJs;

}  // namespace vecton::server
