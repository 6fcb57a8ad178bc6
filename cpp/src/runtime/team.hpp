// What a team of threads needs of the system before OpenMP may be asked for it.
#pragma once

namespace fastloss {

// The largest team, of at most `wanted` threads, that the system has room for beside the calling thread's present one. libgomp
// ends the process where it cannot make a thread.
int affordable_team(int wanted);

// To be told what the calling thread's latest region was asked for: its threads are kept, and a region of as many makes none.
void team_was(int wanted);

// Whether the calling thread's stack has room for a block's computation. Threads of a team with less leave the work to others.
bool has_stack_for_work();

}  // namespace fastloss
