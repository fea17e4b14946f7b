#include "server/playground.h"

#include <charconv>

#include "base/base64.h"
#include "server/headers.h"

namespace vecton::server {

namespace {

constexpr std::string_view kStyleLink = R"(<link rel="stylesheet" href="style.css">)",
                           kScriptLink = R"(<script src="app.js" defer></script>)";

void replace(std::string& text, std::string_view what, const std::string& with) {
  text.replace(text.find(what), what.size(), with);
}

// index.html with what it links to in its place.
std::string make_page() {
  std::string page(kPlaygroundHtml.text);
  replace(page, kStyleLink, "<style>" + std::string(kPlaygroundCss.text) + "</style>");
  replace(page, kScriptLink, "");
  replace(page, "</body>", "<script>" + std::string(kPlaygroundJs.text) + "</script>\n</body>");
  return page;
}

// As a Content-Security-Policy names it: 'sha256-BASE64'.
std::string source_of(const PlaygroundFile& file) {
  std::string bytes;
  for (size_t i = 0; i + 1 < file.sha256.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(file.sha256.data() + i, file.sha256.data() + i + 2, byte, 16);
    bytes += static_cast<char>(byte);
  }
  return "'sha256-" + base::encode_base64(bytes) + "'";
}

}  // namespace

bool asks_for_html(std::string_view accept) {
  const double html = quality(accept, "text/html").value_or(0);
  return html > 0 && html >= quality(accept, "application/json").value_or(0);
}

HttpResponse playground(std::string_view if_none_match) {
  static const std::string page = make_page();
  static const std::string tag = '"' + std::string(kPlaygroundHtml.sha256.substr(0, 8)) +
                                 std::string(kPlaygroundCss.sha256.substr(0, 8)) +
                                 std::string(kPlaygroundJs.sha256.substr(0, 8)) + '"';
  static const std::string policy =
      "default-src 'none'; script-src " + source_of(kPlaygroundJs) + "; style-src " +
      source_of(kPlaygroundCss) +
      "; img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
      "frame-ancestors 'none'";
  HttpResponse response{
      .headers = {{"Vary", "Accept"}, {"ETag", tag}, {"Cache-Control", "no-cache"}}};
  if (if_none_match.find(tag) != std::string_view::npos || if_none_match == "*") {
    response.status = 304;
    return response;
  }
  response.content_type = "text/html; charset=utf-8";
  response.body = page;
  response.headers.emplace_back("Content-Security-Policy", policy);
  response.headers.emplace_back("Referrer-Policy", "no-referrer");
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

}  // namespace vecton::server
