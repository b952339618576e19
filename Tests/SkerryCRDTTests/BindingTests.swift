import Synchronization
import Testing

@testable import SkerryCRDT
@testable import document_checks

@Suite("Two-way bindings")
struct BindingTests {
    private func pair() -> (Document, Document) {
        (Document(origin: OriginID(rawValue: 1), now: { 1_000 }), Document(origin: OriginID(rawValue: 2), now: { 1_000 }))
    }

    /// A text field: what it shows, and what it is told to show.
    final class Field: Sendable {
        let updates = Mutex<[TextBinding.Update]>([])
        let binding = Mutex<TextBinding?>(nil)

        init(_ text: TextView, unit: TextUnit = .utf16) {
            let made = TextBinding(text, unit: unit) { [weak self] update in self?.updates.withLock { $0.append(update) } }
            binding.withLock { $0 = made }
        }

        var shown: TextBinding { binding.withLock { $0! } }
        var count: Int { updates.withLock { $0.count } }
    }

    @Test("C-10: a field's edits go into the document, others' come to the field, and no edit comes back to where it was made")
    func field() throws {
        let (one, two) = pair()
        one.change { $0.map("m").text("t").insert("héllo", at: 0) }
        try two.merge(one)
        let left = Field(one.map("m").text("t")), right = Field(two.map("m").text("t"), unit: .utf8)
        #expect(left.shown.string == "héllo" && left.count == 0)
        left.shown.edited(to: "héllo world", selection: 11..<11)
        #expect(one.map("m").text("t").string == "héllo world" && left.count == 0)
        right.shown.select(3..<6)
        try two.merge(one)
        #expect(right.shown.string == "héllo world" && right.count == 1 && right.shown.selection == 3..<6)
        right.shown.edited(to: "Oh, héllo world", selection: 7..<10)
        try one.merge(two)
        #expect(left.shown.string == "Oh, héllo world" && left.shown.selection == 15..<15)
        let edits = left.updates.withLock { $0[0].edits }
        #expect(edits.count == 1 && edits[0].inserted == "Oh, ")
        // The same text again, and marks, are nothing to show.
        left.shown.edited(to: "Oh, héllo world", selection: 0..<0)
        one.change { $0.map("m").text("t").mark(0..<2, "bold") }
        #expect(left.count == 1)
        left.shown.cancel()
        try one.merge(two)
    }

    @Test(
        "C-10: fields of two replicas stay what their documents say, the selection on its characters",
        arguments: 0..<Soak.count(30, soak: 2_000))
    func fields(seed: Int) throws {
        var random = CheckRandom(seed: seed &+ 5)
        let (one, two) = pair()
        let fields = [Field(one.text("t"), unit: .scalars), Field(two.text("t"), unit: .scalars)]
        for _ in 0..<40 {
            let who = random.below(2)
            let documents = who == 0 ? (one, two) : (two, one)
            if random.chance(40) {
                let length = fields[who].shown.string.unicodeScalars.count
                let caret = random.below(length + 1), anchor = try documents.0.text("t").anchor(at: caret, .after, in: .scalars)
                fields[who].shown.select(caret..<length)
                try documents.0.merge(documents.1)
                let moved = fields[who].shown.selection
                // While the character that it began behind stands, the selection begins behind it.
                let place = try documents.0.text("t").position(of: anchor, in: .scalars)
                if try documents.0.text("t").anchor(at: place, .after, in: .scalars) == anchor {
                    try #require(moved.lowerBound == place, "seed \(seed)")
                }
                try #require(moved.upperBound <= fields[who].shown.string.unicodeScalars.count, "seed \(seed)")
            } else {
                var scalars = Array(fields[who].shown.string.unicodeScalars)
                let start = random.below(scalars.count + 1), end = min(scalars.count, start + random.below(3))
                let typed = Array(["", "a", "bé", "😀"][random.below(4)].unicodeScalars)
                scalars.replaceSubrange(start..<end, with: typed)
                let caret = start + typed.count
                fields[who].shown.edited(to: String(scalars), selection: min(caret, random.below(caret + 1))..<caret)
            }
            for (field, document) in zip(fields, [one, two]) {
                try #require(field.shown.string == document.text("t").string, "seed \(seed)")
            }
        }
    }

    @Test("C-10: an edit made in a field that had not seen another's goes where it was meant")
    func late() {
        let (one, _) = pair()
        one.change { $0.text("t").insert("The fox jumped.", at: 0) }
        one.change { $0.text("t").insert("quick ", at: 4) }
        // What the field does between another thread's change and its notice.
        one.change { $0.text("t").update(from: "The fox jumped.", to: "A fox sprang over.") }
        #expect(one.text("t").string == "A quick fox sprang over.")
    }

    @Test("C-10: a value set here is written as its difference, one changed elsewhere is shown, and what does not fit is an error")
    func value() throws {
        struct Settings: Codable, Equatable, Sendable {
            var volume: Int
            var name: String
        }
        let (one, two) = pair()
        let path = ContainerPath(key: "settings", kind: .map)
        let shown = Mutex<[Result<Settings, DocumentError>]>([])
        let binding = ValueBinding<Settings>(one, at: path) { result in shown.withLock { $0.append(result) } }
        try binding.set(Settings(volume: 1, name: "n"))
        #expect(shown.withLock { $0.isEmpty } && one.map("settings")["volume"] == 1)
        try two.merge(one)
        two.change { $0.map("settings")["name"] = "other" }
        try binding.set(Settings(volume: 9, name: "n"))
        try one.merge(two)
        #expect(shown.withLock { $0.count } == 1)
        #expect(try binding.value == Settings(volume: 9, name: "other"))
        one.change { $0.text("elsewhere").insert("x", at: 0) }
        #expect(shown.withLock { $0.count } == 1)
        one.change { $0.map("settings")["volume"] = "loud" }
        guard case .failure(let error)? = shown.withLock({ $0.last }) else { return #expect(Bool(false), "an error is to be shown") }
        #expect(error.path == ["volume"])
        binding.cancel()
    }
}
