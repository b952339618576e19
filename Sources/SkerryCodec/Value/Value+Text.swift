extension Value {
    /// The value as people read it in an error: text as it is, anything else as JSON where JSON has it.
    var text: String {
        if case .string(let text) = self { return text }
        return (try? JSON.text(self)) ?? kind.rawValue
    }
}
