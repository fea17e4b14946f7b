#include "server/stream_writer.h"

namespace vecton::server {

std::string server_sent_event(std::string_view data, std::string_view event) {
  std::string out;
  if (!event.empty()) out.append("event: ").append(event).append("\n");
  return out.append("data: ").append(data).append("\n\n");
}

}  // namespace vecton::server
