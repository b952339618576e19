import Glibc

enum Environment {
    static func variable(_ name: String) -> String? { getenv(name).map { String(cString: $0) } }
}
