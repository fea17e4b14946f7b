// TLS: the certificate and key that connections are encrypted with, and what is asked of clients.
#pragma once

#include <boost/asio/ssl/context.hpp>
#include <memory>
#include <string>

#include "server/server.h"

namespace vecton::server {

// TLS 1.2 and 1.3 with forward secrecy, HTTP/1.1 by ALPN, as `options` name files. Throws Error
// (kInvalidArgument) that names the option, for files that can't be read, that hold something else,
// or whose key is not the certificate's. Never asks a terminal for a password.
std::shared_ptr<boost::asio::ssl::context> make_tls(const TlsOptions& options);

// When the files of `options` were written last: another text when one of them has changed.
std::string tls_files_state(const TlsOptions& options);

// "CN=example.org, valid until 2027-03-01T12:00:00Z": the certificate that is served.
std::string describe_certificate(boost::asio::ssl::context& tls);

}  // namespace vecton::server
