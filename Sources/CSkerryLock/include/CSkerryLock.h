#ifndef CSKERRYLOCK_H
#define CSKERRYLOCK_H

#include <stdint.h>

// A lock is one 32-bit word: 0 free, 1 held, 2 held while somebody may sleep on it. The two quick transitions (0 to 1, 1 to 0) are made by the
// caller with atomic operations of its own language; these are the others.

/// Takes the lock that was just found held: spins for a moment, then sleeps in the kernel until it is handed on.
void skerry_lock_contended(uint32_t *_Nonnull word);

/// Wakes one sleeper of the lock that was just set from 2 to 0.
void skerry_lock_wake(uint32_t *_Nonnull word);

/// Watches `*word` for at most `rounds` pauses of the processor while it is `value`. Returns 1 when it changed, 0 when it did not.
int skerry_spin_while(const intptr_t *_Nonnull word, intptr_t value, int32_t rounds);

/// Tells the processor that this thread is waiting in a loop.
void skerry_pause(void);

#endif
