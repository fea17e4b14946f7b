// Values that other programs spell otherwise: the translations of foreign_options.h's table.
#pragma once

#include "cli/foreign_options.h"

namespace vecton::cli {

Arguments translate_host(const ForeignOption& option, const std::string& value);
Arguments translate_pooling(const ForeignOption& option, const std::string& value);
Arguments translate_task(const ForeignOption& option, const std::string& value);
Arguments translate_log_level(const ForeignOption& option, const std::string& value);
Arguments translate_quiet_log(const ForeignOption& option, const std::string& value);
Arguments translate_json_log(const ForeignOption& option, const std::string& value);
Arguments translate_origin(const ForeignOption& option, const std::string& value);
Arguments translate_page(const ForeignOption& option, const std::string& value);
Arguments translate_permissive(const ForeignOption& option, const std::string& value);
Arguments translate_aliases(const ForeignOption& option, const std::string& value);
Arguments translate_cache_mib(const ForeignOption& option, const std::string& value);
Arguments translate_cache_flag(const ForeignOption& option, const std::string& value);
Arguments translate_normalize(const ForeignOption& option, const std::string& value);
Arguments translate_speculation(const ForeignOption& option, const std::string& value);
Arguments translate_sampling(const ForeignOption& option, const std::string& value);
Arguments translate_structure(const ForeignOption& option, const std::string& value);
Arguments translate_rope(const ForeignOption& option, const std::string& value);

}  // namespace vecton::cli
