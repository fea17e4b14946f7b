// What a service manager (systemd, or one that does as it does) gives a process and wants to hear:
// sockets that are listened on already, and how the service is.
#pragma once

#include <string>
#include <vector>

namespace vecton::server {

// The listening sockets that this process was started with (LISTEN_FDS), once: programs that it
// starts do not see them.
std::vector<int> take_given_sockets();

// Tells "READY=1" or "STOPPING=1" to whoever asked for it (NOTIFY_SOCKET); nobody otherwise.
void notify_service_manager(const std::string& state);

}  // namespace vecton::server
