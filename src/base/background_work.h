// BackgroundWork: while one lives, the loops of its thread on a ThreadPool are background work.
//
// Idle workers help there as elsewhere, and leave between two indices as soon as there is a job, or
// a loop that is no background work: what nobody waits for (loading another model) does not delay
// what somebody does.
#pragma once

namespace vecton::base {

// The system lets other threads go first from now on: there is no way back. Does nothing but on
// Linux.
void lower_priority_of_this_thread();

class BackgroundWork {
 public:
  BackgroundWork();
  ~BackgroundWork();
  BackgroundWork(const BackgroundWork&) = delete;
  BackgroundWork& operator=(const BackgroundWork&) = delete;

 private:
  const bool before_;
};

}  // namespace vecton::base
