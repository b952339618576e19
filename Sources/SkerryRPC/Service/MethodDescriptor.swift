public import SkerryCodec
import Synchronization

/// The part of a method's description that needs no types: names, flags, documentation, shapes.
///
/// One object per method for the life of the process, so that tables may be keyed by its identity.
public final class MethodDescriptor: Sendable {
    /// The interface the method belongs to.
    public let service: any ServiceDescription.Type
    /// The place of the method in its service, from 0.
    public let index: Int
    /// The stable name on the wire.
    public let name: String
    /// The name in Swift, such as `plus(_:_:)`.
    public let swiftName: String
    /// The documentation comment.
    public let documentation: String
    public let options: MethodOptions
    /// The HTTP route, when the method has one.
    public let route: MethodRoute?
    /// The last version of the interface that has the method, nil while it is current.
    public let until: Int?
    /// The record of parameters.
    public let arguments: Shape
    public let result: Shape
    /// Equal digests on both sides mean that the binary format may be used: it covers name, parameters and result.
    public let digest: ShapeDigest
    /// Whether values of ``arguments`` may hold references; where they do not, no table is made for them.
    public let argumentsMayHoldReferences: Bool
    /// The same for ``result``.
    public let resultMayHoldReferences: Bool
    /// The number of this object in the process: sessions keep what they know of a method in arrays.
    let slot: Int

    private static let slots = Atomic(0)

    public init(
        service: any ServiceDescription.Type, index: Int, name: String, swiftName: String, documentation: String, options: MethodOptions,
        route: MethodRoute?, until: Int?, arguments: Shape, result: Shape
    ) {
        self.service = service
        self.index = index
        self.name = name
        self.swiftName = swiftName
        self.documentation = documentation
        self.options = options
        self.route = route
        self.until = until
        self.arguments = arguments
        self.result = result
        // A map from one to the other is the shape that holds both.
        argumentsMayHoldReferences = arguments.mayHoldReferences
        resultMayHoldReferences = result.mayHoldReferences
        slot = Self.slots.wrappingAdd(1, ordering: .relaxed).oldValue
        digest = Shape.alias(.init(name: "method \(name)", carrier: .map(key: arguments, value: result))).digest
    }
}

extension MethodDescriptor {
    /// The parameters, in declared order.
    public var parameters: [Field] {
        if case .record(let fields) = arguments { fields.list } else { [] }
    }

    /// The parameter that `path` leads into, -1 when it leads into none.
    package func position(of path: ShapePath) -> Int {
        guard case .field(let key)? = path.steps.first else { return -1 }
        return parameters.firstIndex { $0.key == key } ?? -1
    }
}

/// How a method is called and run.
public struct MethodOptions: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// `@OneWay`: nothing is answered; the caller continues when the call was queued.
    public static let oneWay = MethodOptions(rawValue: 1 << 0)
    /// `@Idempotent`: doing it twice is doing it once, so a lost call may be repeated.
    public static let idempotent = MethodOptions(rawValue: 1 << 1)
    /// `@Durable`: carries a request identifier; the callee answers a repetition from its reply cache.
    public static let durable = MethodOptions(rawValue: 1 << 2)
    /// `@Offload`: computes long or blocks, so it does not start on the link's event loop.
    public static let offload = MethodOptions(rawValue: 1 << 3)
    /// `@ReadOnly`: changes nothing; the only methods a ``Reference/readOnly()`` lets through.
    public static let readOnly = MethodOptions(rawValue: 1 << 4)
}

/// Where a method answers over HTTP.
public struct MethodRoute: Sendable, Hashable {
    public enum Verb: String, Sendable, Hashable, CaseIterable {
        case get = "GET"
        case put = "PUT"
        case post = "POST"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    public var verb: Verb
    /// Segments separated by `/`; a segment `{name}` is the parameter of that name.
    public var path: String

    public init(_ verb: Verb, _ path: String) {
        self.verb = verb
        self.path = path
    }
}
