/// One MD5 kernel of `LANES` streams. Included once for each width, with `LANES`, `KERNEL` (the function's name),
/// `TARGET` (its attributes), `LOW` and `HIGH` (the interleaved halves of two vectors) defined.

TARGET static void KERNEL(lane_group *group, size_t blocks) {
    typedef uint32_t vector __attribute__((vector_size(4 * LANES)));
    vector a, b, c, d;
    memcpy(&a, group->state[0], sizeof a);
    memcpy(&b, group->state[1], sizeof b);
    memcpy(&c, group->state[2], sizeof c);
    memcpy(&d, group->state[3], sizeof d);

    for (size_t block = 0; block < blocks; block++) {
        vector w[16];
        // Squares of LANES words from each of LANES streams become vectors that hold one word of every stream: a
        // transposition, done as log2(LANES) perfect shuffles.
        for (int square = 0; square < 16 / LANES; square++) {
            vector row[LANES], shuffled[LANES];
            for (int lane = 0; lane < LANES; lane++) {
                memcpy(&row[lane], group->p[lane] + 64 * (block & group->advance[lane]) + 4 * LANES * square, sizeof row[lane]);
            }
            for (int round = 1; round < LANES; round *= 2) {
                for (int i = 0; i < LANES / 2; i++) {
                    shuffled[2 * i] = LOW(row[i], row[i + LANES / 2]);
                    shuffled[2 * i + 1] = HIGH(row[i], row[i + LANES / 2]);
                }
                for (int i = 0; i < LANES; i++) row[i] = shuffled[i];
            }
            for (int i = 0; i < LANES; i++) w[LANES * square + i] = row[i];
        }
        vector a0 = a, b0 = b, c0 = c, d0 = d;
        MD5_STEPS(a, b, c, d, w)
        a += a0;
        b += b0;
        c += c0;
        d += d0;
    }

    memcpy(group->state[0], &a, sizeof a);
    memcpy(group->state[1], &b, sizeof b);
    memcpy(group->state[2], &c, sizeof c);
    memcpy(group->state[3], &d, sizeof d);
}

#undef LANES
#undef KERNEL
#undef TARGET
#undef LOW
#undef HIGH
