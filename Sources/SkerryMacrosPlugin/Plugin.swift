import SwiftCompilerPlugin
import SwiftSyntaxMacros

@main
struct SkerryMacrosPlugin: CompilerPlugin {
    let providingMacros: [any Macro.Type] = []
}
