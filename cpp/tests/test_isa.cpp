// Which kernels are in use, and what changes them.
#include "fastloss/runtime/isa.hpp"

#include <cstdio>
#include <cstring>
#include <string>

#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/environment.hpp"

namespace {

// FASTLOSS_ISA is read at load, so each value needs a process: this program runs itself with "--active".
std::string active_under(const char* self, const char* wanted) {
  const std::string command = std::string("FASTLOSS_ISA='") + wanted + "' '" + self + "' --active";
  std::FILE* pipe = popen(command.c_str(), "r");
  char line[512] = {};
  if (pipe == nullptr) return "popen failed";
  const bool read = std::fgets(line, sizeof line, pipe) != nullptr;
  pclose(pipe);
  return read ? line : "no output";
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--active") == 0) {
    const char* error = fastloss::environment_error();
    std::printf("%s|%s", fastloss::active_isa(), error ? error : "");
    return 0;
  }
  CHECK(fastloss::missing_features() == nullptr);
  CHECK(fastloss::environment_error() == nullptr);
  const char* const* names = fastloss::available_isas();
  CHECK(names[0] != nullptr);
  std::string best;
  for (const char* const* name = names; *name; ++name) {
    fastloss::use_isa(*name);
    CHECK(std::strcmp(fastloss::active_isa(), *name) == 0);
    CHECK(active_under(argv[0], *name) == std::string(*name) + "|");
    best = *name;
  }
  CHECK(active_under(argv[0], "") == best + "|");
  const std::string refused = active_under(argv[0], "avx9");
  CHECK(refused.find(best + "|FASTLOSS_ISA: ") == 0);
  CHECK(refused.find("\"avx9\"") != std::string::npos);

  std::string message;
  try {
    fastloss::use_isa("avx9");
  } catch (const fastloss::value_error& e) {
    message = e.what();
  }
  CHECK(message.find("\"avx9\"") != std::string::npos);
  CHECK(message.find(names[0]) != std::string::npos);
  CHECK(fastloss::active_isa() == best);
  return report();
}
