// MD5 of many streams in vector lanes, one stream a lane.
//
// The kernels are plain C over the vector extensions of gcc and clang: 16 lanes under AVX-512, 8 under AVX2, and 4 in what
// every x86-64 and arm64 has. The words of a block are loaded in the machine's order, so big-endian machines go stream by stream.

#define MD5_SCALAR 0
#include "md5.h"

#include <string.h>

#define LANES_MAXIMUM 16

/// The streams that advance together, structure of arrays.
typedef struct {
    uint32_t state[4][LANES_MAXIMUM];
    const uint8_t *p[LANES_MAXIMUM];
    /// All ones; 0 for an empty lane, which reads the same idle block again and again.
    size_t advance[LANES_MAXIMUM];
} lane_group;

#define LANES 4
#define KERNEL advance_4
#define TARGET
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 4, 1, 5)
#define HIGH(x, y) __builtin_shufflevector(x, y, 2, 6, 3, 7)
#include "md5_lanes_kernel.h"

#if defined(__x86_64__)

#define LANES 8
#define KERNEL advance_8
#define TARGET __attribute__((target("avx2")))
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
#define HIGH(x, y) __builtin_shufflevector(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
#include "md5_lanes_kernel.h"

#define LANES 16
#define KERNEL advance_16
#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl")))
#define LOW(x, y) __builtin_shufflevector(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define HIGH(x, y) __builtin_shufflevector(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#include "md5_lanes_kernel.h"

#endif

// MARK: Choice

static size_t widest = 4;

/// Fewer streams than this are faster one by one (2 of 16 lanes take 0.78 GB/s, 3 take 1.17, a stream alone 0.91).
#define WORTHWHILE 3

/// Runs before main and before any other thread, so readers need no ordering.
__attribute__((constructor)) static void prepare(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2")) widest = 8;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl")) widest = 16;
#endif
}

size_t skerry_md5_lane_count(void) { return widest; }

/// The widest kernel also wins when most of its lanes are empty: a step takes as long in every width.
static void advance(lane_group *group, size_t blocks) {
    switch (widest) {
#if defined(__x86_64__)
    case 16: advance_16(group, blocks); return;
    case 8: advance_8(group, blocks); return;
#endif
    default: advance_4(group, blocks); return;
    }
}

// MARK: Schedule

static const uint8_t idle_block[64];

static void enter(lane_group *group, size_t lane, const skerry_md5_job *job) {
    for (int i = 0; i < 4; i++) group->state[i][lane] = job->md5->state[i];
    group->p[lane] = job->p;
    group->advance[lane] = ~(size_t)0;
}

static void leave(lane_group *group, size_t lane, skerry_md5_job *job) {
    for (int i = 0; i < 4; i++) job->md5->state[i] = group->state[i][lane];
    job->p = group->p[lane];
    group->p[lane] = idle_block;
    group->advance[lane] = 0;
}

/// Fills up the block begun before, so that the job stands at a block boundary or is done.
static void align(skerry_md5_job *job) {
    size_t pending = job->md5->length % 64;
    size_t taken = pending == 0 ? 0 : 64 - pending < job->n ? 64 - pending : job->n;
    skerry_md5_update(job->md5, job->p, taken);
    job->p += taken;
    job->n -= taken;
}

void skerry_md5_update_lanes(skerry_md5_job *jobs, size_t count) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    for (size_t i = 0; i < count; i++) skerry_md5_update(jobs[i].md5, jobs[i].p, jobs[i].n);
#else
    const size_t lanes = widest;
    lane_group group = {.advance = {0}};
    skerry_md5_job *holder[LANES_MAXIMUM] = {0};
    size_t left[LANES_MAXIMUM] = {0};
    size_t next = 0;
    for (size_t lane = 0; lane < LANES_MAXIMUM; lane++) group.p[lane] = idle_block;

    for (;;) {
        size_t busy = 0, blocks = ~(size_t)0;
        for (size_t lane = 0; lane < lanes; lane++) {
            while (!holder[lane] && next < count) {
                skerry_md5_job *job = &jobs[next++];
                align(job);
                if (job->n < 64) {
                    skerry_md5_update(job->md5, job->p, job->n);
                    continue;
                }
                enter(&group, lane, job);
                holder[lane] = job;
                left[lane] = job->n / 64;
            }
            if (!holder[lane]) continue;
            busy++;
            if (left[lane] < blocks) blocks = left[lane];
        }
        if (busy < WORTHWHILE) break;
        advance(&group, blocks);
        for (size_t lane = 0; lane < lanes; lane++) {
            if (!holder[lane]) continue;
            skerry_md5_job *job = holder[lane];
            group.p[lane] += 64 * blocks;
            job->n -= 64 * blocks;
            job->md5->length += 64 * blocks;
            left[lane] -= blocks;
            if (left[lane] > 0) continue;
            leave(&group, lane, job);
            holder[lane] = NULL;
            skerry_md5_update(job->md5, job->p, job->n);
        }
    }
    for (size_t lane = 0; lane < lanes; lane++) {
        if (!holder[lane]) continue;
        skerry_md5_job *job = holder[lane];
        leave(&group, lane, job);
        skerry_md5_update(job->md5, job->p, job->n);
    }
#endif
}
