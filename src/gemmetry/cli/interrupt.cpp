#include "gemmetry/cli/interrupt.h"

#include <signal.h>

namespace gemmetry::cli {
namespace {

volatile sig_atomic_t interrupted = 0;
struct sigaction before;

void note(int) { interrupted = 1; }

}  // namespace

Interrupt::Interrupt() {
  interrupted = 0;
  struct sigaction action {};
  action.sa_handler = note;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &before);
}

Interrupt::~Interrupt() { sigaction(SIGINT, &before, nullptr); }

bool Interrupt::requested() const { return interrupted != 0; }

}  // namespace gemmetry::cli
