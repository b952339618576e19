public import SkerryCodec

/// One method of a service with the types of its parameters and its result.
///
/// Emitted code holds one as a constant per method: `static let plus = ServiceMethod<PlusArguments, Int>(…)`. That `Arguments` and
/// `Result` must be `Shaped` is checked there, once, so a parameter of a type that cannot cross reads as
/// *type 'Foo' does not conform to protocol 'Shaped'*.
public struct ServiceMethod<Arguments: Shaped, Result: Shaped>: Sendable {
    public let descriptor: MethodDescriptor

    /// - Parameters:
    ///   - service: the description the method belongs to.
    ///   - index: its place among the service's methods, from 0.
    ///   - name: on the wire, stable over versions.
    ///   - swiftName: such as `plus(_:_:)`.
    public init(
        _ service: any ServiceDescription.Type, _ index: Int, _ name: String, swiftName: String, documentation: String = "",
        options: MethodOptions = [], route: MethodRoute? = nil, until: Int? = nil
    ) {
        descriptor = MethodDescriptor(
            service: service, index: index, name: name, swiftName: swiftName, documentation: documentation, options: options, route: route,
            until: until, arguments: Arguments.shape, result: Result.shape)
    }
}
