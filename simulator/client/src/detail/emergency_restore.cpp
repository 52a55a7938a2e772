#include "detail/emergency_restore.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace ssm::client::detail {
namespace {

enum class SlotState : std::uint8_t { free, filling, termios_mode, status_flags };

struct Slot {
  std::atomic<SlotState> state{SlotState::free};
  int fd = -1;
  int flags = 0;
  termios mode{};
};

static_assert(std::atomic<SlotState>::is_always_lock_free, "signal handlers read it");

constexpr std::size_t slot_count = 8;
std::array<Slot, slot_count> slots;

/// The signals that end a process and that nobody may have handled.
constexpr std::array fatal_signals = {SIGHUP,  SIGINT, SIGQUIT, SIGTERM, SIGABRT,
                                      SIGSEGV, SIGBUS, SIGFPE,  SIGILL};
std::array<struct sigaction, fatal_signals.size()> previous;

void restore_all() noexcept {
  // Last first: a later registration may have saved what an earlier one had changed.
  for (std::size_t i = slot_count; i-- > 0;) {
    Slot& slot = slots[i];
    const SlotState state = slot.state.exchange(SlotState::free);
    if (state == SlotState::termios_mode) {
      set_terminal_mode(slot.fd, TCSANOW, slot.mode);
    } else if (state == SlotState::status_flags) {
      fcntl(slot.fd, F_SETFL, slot.flags);
    }
  }
}

extern "C" void ssm_restore_and_die(int signal) {
  const int saved_errno = errno;
  restore_all();
  for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
    if (fatal_signals[i] == signal) {
      sigaction(signal, &previous[i], nullptr);
    }
  }
  // Blocked until this handler returns; then the signal does what it would have done without us.
  raise(signal);
  errno = saved_errno;
}

bool has_default_action(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

bool is_crash(int signal) {
  return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
         signal == SIGABRT;
}

void install_handlers() {
  static const bool at_exit_registered = std::atexit([] { restore_all(); }) == 0;
  static_cast<void>(at_exit_registered);
  for (std::size_t i = 0; i < fatal_signals.size(); ++i) {
    struct sigaction present{};
    if (sigaction(fatal_signals[i], nullptr, &present) != 0) {
      continue;
    }
    const bool is_ours =
        (present.sa_flags & SA_SIGINFO) == 0 && present.sa_handler == &ssm_restore_and_die;
    // A crash handler of a sanitizer runs after ours; other signals belong to who handles them.
    if (is_ours || (!has_default_action(present) && !is_crash(fatal_signals[i]))) {
      continue;
    }
    previous[i] = present;
    struct sigaction ours{};
    ours.sa_handler = &ssm_restore_and_die;
    sigfillset(&ours.sa_mask);
    ours.sa_flags = is_crash(fatal_signals[i]) ? SA_ONSTACK : 0;
    sigaction(fatal_signals[i], &ours, nullptr);
  }
}

Slot* take_slot(int& index) {
  for (std::size_t i = 0; i < slot_count; ++i) {
    SlotState expected = SlotState::free;
    if (slots[i].state.compare_exchange_strong(expected, SlotState::filling)) {
      index = static_cast<int>(i);
      return &slots[i];
    }
  }
  index = -1;
  return nullptr;
}

}  // namespace

int register_termios(int fd, const termios& mode) {
  install_handlers();
  int index = -1;
  if (Slot* slot = take_slot(index)) {
    slot->fd = fd;
    slot->mode = mode;
    slot->state = SlotState::termios_mode;
  }
  return index;
}

int register_status_flags(int fd, int flags) {
  install_handlers();
  int index = -1;
  if (Slot* slot = take_slot(index)) {
    slot->fd = fd;
    slot->flags = flags;
    slot->state = SlotState::status_flags;
  }
  return index;
}

void forget_restore(int slot) noexcept {
  if (slot >= 0) {
    slots[static_cast<std::size_t>(slot)].state = SlotState::free;
  }
}

void set_terminal_mode(int fd, int when, const termios& mode) noexcept {
  sigset_t stop_on_output;
  sigset_t before;
  sigemptyset(&stop_on_output);
  sigaddset(&stop_on_output, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &stop_on_output, &before);
  while (tcsetattr(fd, when, &mode) != 0 && errno == EINTR) {
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace ssm::client::detail
