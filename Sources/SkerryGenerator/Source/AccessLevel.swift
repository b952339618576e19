import SwiftSyntax

/// How far a declaration is seen, as far as syntax tells.
package enum AccessLevel: Int, Comparable, Sendable {
    case `private`, `fileprivate`, `internal`, package, `public`

    package static func < (a: AccessLevel, b: AccessLevel) -> Bool { a.rawValue < b.rawValue }

    /// The level among `modifiers`. Setter levels, `private(set)`, do not count; `open` counts as `public`.
    init?(_ modifiers: DeclModifierListSyntax) {
        for modifier in modifiers where modifier.detail == nil {
            switch modifier.name.tokenKind {
            case .keyword(.private): self = .private
            case .keyword(.fileprivate): self = .fileprivate
            case .keyword(.internal): self = .internal
            case .keyword(.package): self = .package
            case .keyword(.public), .keyword(.open): self = .public
            default: continue
            }
            return
        }
        return nil
    }

    /// The level to write before a member which the conformance of such a type needs, with a space: members without a modifier
    /// are internal, which is enough for all lower levels.
    var memberPrefix: String {
        switch self {
        case .private, .fileprivate, .internal: ""
        case .package: "package "
        case .public: "public "
        }
    }

    /// The level to write before a declaration beside such a declaration, with a space.
    var peerPrefix: String {
        switch self {
        case .internal: ""
        case .private: "fileprivate "
        case .fileprivate: "fileprivate "
        case .package: "package "
        case .public: "public "
        }
    }
}
