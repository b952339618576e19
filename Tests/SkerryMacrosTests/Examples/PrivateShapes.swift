import SkerryMacros

// What only the macro can do, because its members stand in the type itself: private properties and types.

/// Its only initialiser takes something else than its properties.
@Shape struct Celsius: Equatable {
    let degrees: Double
    private(set) var note: String
    @Omitted private var cache: [Int] = [1]

    init?(kelvin: Double) {
        guard kelvin >= 0 else { return nil }
        degrees = kelvin - 273.15
        note = "from kelvin"
    }

    var isFreezing: Bool { degrees < 0 }
    static let zero = 0.0
}

// A file may have types of its own with the names of the library's; the expansions mean the library's all the same.
private enum Fields {}
private enum Field {}
private enum Cases {}
private enum Case {}
private enum ShapeReader {}
private enum Via {}

/// Seen in this file alone.
@Shape private struct Secret: Equatable {
    private var x: Int

    init(_ x: Int) {
        self.x = x
    }
}

/// Reads and writes a ``Secret``, which tests cannot name.
enum Secrets {
    static func roundTrip(_ x: Int) throws(ShapeError) -> Bool {
        let secret = Secret(x)
        return try Bin.decode(Secret.self, from: Bin.encode(secret)) == secret
    }
}
