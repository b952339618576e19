import SwiftSyntax

// Routes name where a method answers over HTTP: `@GET("/{bucket}/{key}")`. Parameters not in the path travel in the query or the body.

extension ServiceParser {
    private static let verbs = ["GET", "POST", "PUT", "DELETE", "PATCH"]

    mutating func readRoute(_ annotations: Annotations, into method: inout ServiceMethodDeclaration) {
        let marks = annotations.all.filter { Self.verbs.contains($0.name) }
        guard let mark = marks.first else { return }
        if marks.count > 1 {
            findings.error(
                .repeatedAttribute, at: marks[1].node, "a method has one route, and '@\(mark.name)' gives it already",
                fix: .remove(marks[1].node, "remove '@\(marks[1].name)'"))
        }
        guard let path = mark.string(0, &findings) else { return }
        checkPath(path, mark, method)
        method.route = ServiceMethodDeclaration.Route(verb: mark.name, path: path)
    }

    private mutating func checkPath(_ path: String, _ mark: Annotation, _ method: ServiceMethodDeclaration) {
        let node = mark.positional[0]
        guard path.first == "/" else {
            findings.error(
                .routeInvalid, at: node, "a route begins with '/'",
                fix: .replace(node, with: swiftLiteral("/" + path), "write \(swiftLiteral("/" + path))"))
            return
        }
        if path.contains(where: { "?#".contains($0) || $0.isWhitespace }) {
            findings.error(
                .routeInvalid, at: node, "a route is a path only: parameters that are not in it travel in the query or the body")
            return
        }
        var seen: Set<String> = []
        for segment in path.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            guard let name = Self.placeholder(segment) else {
                if segment.contains("{") || segment.contains("}") {
                    findings.error(.routeInvalid, at: node, "'{…}' stands for a whole segment of the path, unlike in '\(segment)'")
                } else if segment.isEmpty && path != "/" {
                    findings.error(.routeInvalid, at: node, "a route has no empty segments")
                }
                continue
            }
            checkPlaceholder(name, in: method, at: node, &seen)
        }
    }

    private mutating func checkPlaceholder(
        _ name: String, in method: ServiceMethodDeclaration, at node: ExprSyntax, _ seen: inout Set<String>
    ) {
        if !seen.insert(name).inserted {
            findings.error(.routeInvalid, at: node, "'{\(name)}' stands twice in the route")
        }
        guard let parameter = method.parameters.first(where: { $0.name.plain == name }) else {
            let known = method.parameters.map { "'\($0.name.plain)'" }.joined(separator: ", ")
            findings.error(
                .routeParameterUnknown, at: node,
                "'\(method.name)' has no parameter '\(name)'" + (known.isEmpty ? "" : ", only \(known)"))
            return
        }
        if parameter.type.isOptional {
            findings.error(
                .routeParameterOptional, at: node,
                "'\(name)' may be missing, and a segment of a path cannot: leave it to the query")
        }
    }

    /// The name in `{name}`, nil for other segments.
    private static func placeholder(_ segment: Substring) -> String? {
        guard segment.first == "{", segment.last == "}", segment.count > 2 else { return nil }
        let name = segment.dropFirst().dropLast()
        return name.contains("{") || name.contains("}") ? nil : String(name)
    }

    /// Two routes collide when they have the same verb and the same path apart from the names of placeholders.
    mutating func checkRoutes(_ methods: [ServiceMethodDeclaration], _ nodes: [FunctionDeclSyntax]) {
        var seen: [String: Int] = [:]
        for (index, method) in methods.enumerated() {
            guard let route = method.route else { continue }
            let segments = route.path.split(separator: "/").map { Self.placeholder($0) == nil ? String($0) : "{}" }
            let pattern = route.verb + " " + segments.joined(separator: "/")
            guard let first = seen[pattern] else {
                seen[pattern] = index
                continue
            }
            let mark = Annotations(nodes[index].attributes).all.first { $0.name == route.verb }
            findings.error(
                .duplicateRoute, at: mark.map { Syntax($0.node) } ?? Syntax(nodes[index].name),
                "two methods answer to \(route.verb) \(route.path)", see: (Syntax(nodes[first].name), "the first is here"))
        }
    }
}
