// What the C library lets a program decide about its heap; Swift's own module of the C library leaves it out.
#include <stdlib.h>
#if defined(__GLIBC__)
#include <malloc.h>
#endif
