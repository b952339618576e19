#ifndef CSKERRYLOCK_H
#define CSKERRYLOCK_H
#endif
