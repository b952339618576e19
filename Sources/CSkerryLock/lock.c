#include "CSkerryLock.h"
