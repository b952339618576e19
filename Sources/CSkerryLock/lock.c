#include "CSkerryLock.h"

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#else
#include <sched.h>
#endif

/// Rounds of the spin. A section under this lock takes tens of nanoseconds and a pause up to 50, so that the holder is gone after a few
/// rounds unless the kernel took its processor away; then sleeping is right.
enum { SPIN_ROUNDS = 64 };

static inline void pause_processor(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

static void sleep_while(uint32_t *word, uint32_t value) {
#if defined(__linux__)
    // Returns at once when the word has changed, and now and then for no reason: the caller looks again.
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
#else
    (void)word;
    (void)value;
    sched_yield();
#endif
}

void skerry_lock_contended(uint32_t *word) {
    for (int round = 0; round < SPIN_ROUNDS; round++) {
        uint32_t found = __atomic_load_n(word, __ATOMIC_RELAXED);
        // Others sleep already: to spin would be to overtake them for ever.
        if (found == 2) break;
        if (found == 0 && __atomic_compare_exchange_n(word, &found, 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) return;
        pause_processor();
    }
    // Who may have slept takes the lock as 2, since others may sleep still: at worst one wake-up too many.
    while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0) sleep_while(word, 2);
}

void skerry_lock_wake(uint32_t *word) {
#if defined(__linux__)
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
#else
    (void)word;
#endif
}

int skerry_spin_while(const intptr_t *word, intptr_t value, int32_t rounds) {
    for (int32_t round = 0; round < rounds; round++) {
        pause_processor();
        if (__atomic_load_n(word, __ATOMIC_RELAXED) != value) return 1;
    }
    return 0;
}

void skerry_pause(void) {
    pause_processor();
}
