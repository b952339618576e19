import SkerryCodec
import Testing

/// The playing cards of the exercise, in each way to write them.
@Suite("Playing cards")
struct CardTests {
    /// The codec by hand: an isomorphism between a card and the text `queen of hearts`.
    enum Words: Isomorphism {
        static var name: String { "CardInWords" }

        static func encode(_ value: Card) throws(ShapeError) -> String { "\(value.rank) of \(value.suit)" }

        static func decode(_ carrier: String) throws(ShapeError) -> Card {
            let words = carrier.split(separator: " ", omittingEmptySubsequences: false)
            guard words.count == 3, words[1] == "of", let suit = Suit(rawValue: String(words[2])),
                let rank = Rank.allCases.first(where: { "\($0)" == words[0] })
            else { throw ShapeError(.invalidValue, "\(carrier) is no card") }
            return Card(suit: suit, rank: rank)
        }
    }

    @Test("B-28: a hand-written printer and parser; bad text gives no card")
    func handWritten() throws {
        for card in Card.deck {
            #expect(try Words.decode(Words.encode(card)) == card)
        }
        for text in [
            "", "queen", "queen hearts", "queen of", "queen of cups", "knave of hearts", "queen of hearts ", " queen of hearts",
            "Queen of hearts",
        ] {
            let error = #expect(throws: ShapeError.self, "\(text)") { try Words.decode(text) }
            #expect(error?.code == .invalidValue)
        }
    }

    @Test("J-02: an isomorphism by hand stands in a description like any other type", arguments: formats.indices)
    func isomorphism(_ index: Int) throws {
        let hand = Card.deck.prefix(5).map { Via<Words>($0) }
        func check(_ format: (some ShapeFormat).Type) throws {
            #expect(try format.decode([Via<Words>].self, from: format.encode(hand)) == hand)
        }
        try check(formats[index])
        #expect(try JSON.text(hand[1]) == "\"two of clubs\"")
        let error = JSON.failure([Via<Words>].self, Array("[\"two of clubs\", \"two of cups\"]".utf8))
        #expect(error?.description == "[1]: two of cups is no card (line 1, column 18)")
    }

    @Test("B-30: bytes of another type are a digest mismatch and not undefined behaviour")
    func wrongType() throws {
        let bytes = try Bin.seal(Card(suit: .spades, rank: .ace))
        #expect(try Bin.open(Card.self, from: bytes) == Card(suit: .spades, rank: .ace))
        for other in [Tree.self, Empty.self, [Card].self, String.self, Letter.self] as [any Shaped.Type] {
            let error = #expect(throws: ShapeError.self, "\(other)") { try Bin.open(other, from: bytes) }
            #expect(error?.code == .digestMismatch)
        }
        for count in 0..<bytes.count {
            #expect(throws: ShapeError.self) { try Bin.open(Card.self, from: Array(bytes[..<count])) }
        }
        #expect(throws: ShapeError.self) { try Bin.open(Card.self, from: bytes + [0]) }
        for place in 0..<4 {
            var changed = bytes
            changed[place] ^= 1
            let error = #expect(throws: ShapeError.self) { try Bin.open(Card.self, from: changed) }
            #expect(error?.code == .syntax)
        }
        // Without a seal the reader still trusts nothing: it refuses, or reads a value of the type it was asked for.
        let plain = try Bin.encode(Card(suit: .spades, rank: .ace))
        #expect(Bin.failure(Tree.self, plain) != nil)
        #expect(Bin.failure([Card].self, plain) != nil)
    }

    @Test("B-31: the binary codec is one description: size, write and read")
    func binary() throws {
        for card in Card.deck {
            let bytes = try Bin.encode(card)
            // The suit's name with its length, and one byte for the rank.
            #expect(bytes.count == 1 + card.suit.rawValue.utf8.count + 1)
            #expect(try Bin.decode(Card.self, from: bytes) == card)
        }
        #expect(try Bin.encode(Card(suit: .hearts, rank: .one)) == hex("06 686561727473 00"))
    }

    @Test("S1: every card makes the round trip; wrong and trailing bytes are refused", arguments: formats.indices)
    func everyCard(_ index: Int) throws {
        func check(_ format: (some ShapeFormat).Type) throws {
            var seen: Set<[UInt8]> = []
            for card in Card.deck {
                let bytes = try format.encode(card)
                #expect(seen.insert(bytes).inserted)
                #expect(try format.decode(Card.self, from: bytes) == card)
                #expect(format.failure(Card.self, bytes + bytes) != nil)
                for place in bytes.indices {
                    // A changed byte may give another card, or leave a name nobody needs, but never this card in another encoding of bin.
                    var changed = bytes
                    changed[place] ^= 0x55
                    let other = try? format.decode(Card.self, from: changed)
                    #expect(other != card || format != Bin.self)
                }
            }
            #expect(seen.count == 56)
        }
        try check(formats[index])
    }

    @Test("J-01: the description stands apart from every parser: it prints itself")
    func description() {
        #expect(
            Card.shape.rendered() == """
                Card

                Card
                  suit  Suit
                  rank  Rank

                Suit
                  string, one of clubs diamonds hearts spades

                Rank
                  .one
                  .two
                  .three
                  .four
                  .five
                  .six
                  .seven
                  .eight
                  .nine
                  .ten
                  .jack
                  .queen
                  .king
                  .ace

                """)
    }
}
