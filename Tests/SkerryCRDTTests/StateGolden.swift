/// What ``StateEncodingTests`` compares with; a changed line is a changed format.
enum StateGolden {
    static let states: [String: String] = [:]
}
