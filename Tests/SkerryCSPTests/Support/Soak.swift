import Glibc

/// The long forms run.
let isSoaking = getenv("SKERRY_SOAK") != nil
