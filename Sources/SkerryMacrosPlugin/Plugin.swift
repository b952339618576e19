import SwiftCompilerPlugin
import SwiftSyntaxMacros

/// The compiler's door to the generator: each macro hands syntax in and text out.
@main
struct Plugin: CompilerPlugin {
    let providingMacros: [any Macro.Type] = [ShapeMacro.self, ServiceMacro.self, FieldMark.self, MethodMark.self]
}
