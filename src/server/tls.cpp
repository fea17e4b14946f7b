#include "server/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

namespace vecton::server {

namespace {

constexpr unsigned char kHttp11[] = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};
// Of TLS 1.2: keys that a stolen certificate does not open later, and authenticated encryption.
constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

[[noreturn]] void wrong(const char* option, const std::string& what) {
  ERR_clear_error();
  throw Error(ErrorCode::kInvalidArgument, std::string("--") + option + ": " + what, option);
}

// What OpenSSL says last: "wrong tag".
std::string reason() {
  const unsigned long code = ERR_peek_last_error();
  const char* text = code ? ERR_reason_error_string(code) : nullptr;
  return text ? std::string(" (") + text + ")" : "";
}

void check_readable(const char* option, const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  char first = 0;
  if (!in.get(first)) wrong(option, file + " can't be read: " + std::strerror(errno));
}

struct Password {
  const std::string& text;
  bool asked = false;
};

// Keys without a password never come here; the others fail without one, instead of asking.
int give_password(char* buffer, int size, int, void* given) {
  auto& password = *static_cast<Password*>(given);
  password.asked = true;
  const std::string& text = password.text;
  if (text.empty() || text.size() > static_cast<size_t>(size)) return -1;
  std::memcpy(buffer, text.data(), text.size());
  return static_cast<int>(text.size());
}

// Clients that offer protocols have to offer this one.
int choose_protocol(SSL*, const unsigned char** out, unsigned char* size, const unsigned char* in,
                    unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, size, kHttp11, sizeof kHttp11, in, in_size);
  if (found != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

void use_certificate(SSL_CTX* tls, const TlsOptions& options) {
  const std::string& certificate = options.certfile;
  check_readable("ssl-certfile", certificate);
  SSL_CTX_set_default_passwd_cb(tls, [](char*, int, int, void*) { return -1; });
  if (SSL_CTX_use_certificate_chain_file(tls, certificate.c_str()) != 1)
    wrong("ssl-certfile", certificate + " holds no certificate that can be used" + reason() +
                              "; expected PEM, the server's own first, then those that signed it");
  const std::string& key = options.keyfile.empty() ? certificate : options.keyfile;
  check_readable("ssl-keyfile", key);
  Password password{options.keyfile_password};
  std::FILE* file = std::fopen(key.c_str(), "rb");
  EVP_PKEY* found = file ? PEM_read_PrivateKey(file, nullptr, give_password, &password) : nullptr;
  if (file) std::fclose(file);
  if (!found) {
    if (password.asked && password.text.empty())
      wrong("ssl-keyfile-password", key + " has a password, and none is given");
    if (password.asked) wrong("ssl-keyfile-password", "it does not open " + key + reason());
    wrong("ssl-keyfile", key + " holds no private key" + reason() + "; expected PEM");
  }
  const bool fits = X509_check_private_key(SSL_CTX_get0_certificate(tls), found) == 1;
  const bool used = fits && SSL_CTX_use_PrivateKey(tls, found) == 1;
  const std::string why = reason();
  EVP_PKEY_free(found);
  if (!fits)
    wrong("ssl-keyfile", "the key in " + key + " is not that of the certificate in " + certificate);
  if (!used) wrong("ssl-keyfile", key + " can't be used" + why);
}

void ask_clients(SSL_CTX* tls, const TlsOptions& options) {
  if (options.cert_reqs < 0 || options.cert_reqs > 2)
    wrong("ssl-cert-reqs", "expected 0 (none), 1 (optional) or 2 (required)");
  if (!options.ca_certs.empty()) {
    check_readable("ssl-ca-certs", options.ca_certs);
    STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(options.ca_certs.c_str());
    if (!names || SSL_CTX_load_verify_locations(tls, options.ca_certs.c_str(), nullptr) != 1)
      wrong("ssl-ca-certs", options.ca_certs + " holds no certificate" + reason() +
                                "; expected those that sign clients' certificates, as PEM");
    SSL_CTX_set_client_CA_list(tls, names);
  } else if (options.cert_reqs > 0) {
    wrong("ssl-cert-reqs", "clients' certificates need --ssl-ca-certs, which says who signs them");
  }
  constexpr int kModes[] = {SSL_VERIFY_NONE, SSL_VERIFY_PEER,
                            SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT};
  SSL_CTX_set_verify(tls, kModes[options.cert_reqs], nullptr);
  static constexpr unsigned char kName[] = "vecton";  // sessions of clients with certificates
  SSL_CTX_set_session_id_context(tls, kName, sizeof kName - 1);
}

}  // namespace

std::shared_ptr<boost::asio::ssl::context> make_tls(const TlsOptions& options) {
  if (options.certfile.empty())
    wrong("ssl-certfile", "it is missing, and other options of TLS are given");
  ERR_clear_error();
  auto context = std::make_shared<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
  SSL_CTX* tls = context->native_handle();
  SSL_CTX_set_min_proto_version(tls, TLS1_2_VERSION);
  SSL_CTX_set_options(tls, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);  // of idle connections
  const std::string ciphers = options.ciphers.empty() ? kCiphers : options.ciphers;
  if (SSL_CTX_set_cipher_list(tls, ciphers.c_str()) != 1)
    wrong("ssl-ciphers", "there is no cipher in '" + ciphers + "' that is known");
  SSL_CTX_set_alpn_select_cb(tls, choose_protocol, nullptr);
  use_certificate(tls, options);
  ask_clients(tls, options);
  ERR_clear_error();
  return context;
}

std::string tls_files_state(const TlsOptions& options) {
  std::string out;
  for (const std::string* file : {&options.certfile, &options.keyfile, &options.ca_certs}) {
    std::error_code error;
    const auto time = std::filesystem::last_write_time(*file, error);
    out += error ? "-" : std::to_string(time.time_since_epoch().count());
    out += ' ';
  }
  return out;
}

std::string describe_certificate(boost::asio::ssl::context& tls) {
  X509* certificate = SSL_CTX_get0_certificate(tls.native_handle());
  BIO* text = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(text, &bytes);
  std::string out(bytes, static_cast<size_t>(size));
  BIO_free(text);
  std::tm until{};
  char date[40] = "";
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &until) == 1)
    std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%SZ", &until);
  const bool over = X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0;
  return (out.empty() ? "no name" : out) + (over ? ", expired since " : ", valid until ") + date;
}

}  // namespace vecton::server
