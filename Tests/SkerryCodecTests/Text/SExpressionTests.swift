import SkerryCodec
import Testing

/// The playing card of the book: a suit, and a rank that is a number or a face.
struct SexpCard: Shaped, Hashable {
    enum Suit: String, Shaped, CaseIterable { case Clubs, Diamonds, Hearts, Spades }
    enum Rank: String, Shaped, CaseIterable { case One, Two, Three, Four, Five, Six, Seven, Eight, Nine, Ten, Jack, Queen, King, Ace }

    var suit: Suit
    var rank: Rank

    private static let fields = Fields("Card", [Field("suit", Suit.self), Field("rank", Rank.self)])
    static var shape: Shape { .record(fields) }

    func write<W: ShapeWriter & ~Copyable>(to writer: inout W) throws(ShapeError) {
        var record = try writer.beginRecord(Self.fields)
        try writer.field(suit, 0, in: &record)
        try writer.field(rank, 1, in: &record)
        try writer.endRecord(&record)
    }

    static func read<R: ShapeReader & ~Copyable>(from reader: inout R) throws(ShapeError) -> SexpCard {
        var (suit, rank): (Suit?, Rank?)
        var record = try reader.beginRecord(fields)
        while let index = try reader.nextField(&record) {
            switch index {
            case 0: try reader.field(&suit, in: record)
            default: try reader.field(&rank, in: record)
            }
        }
        return SexpCard(suit: try record.require(suit, 0), rank: try record.require(rank, 1))
    }
}

@Suite("S-expressions")
struct SExpressionTests {
    @Test("B-29: a card is ((suit …) (rank …)), and every card comes back")
    func cards() throws {
        #expect(try SExpression.text(SexpCard(suit: .Hearts, rank: .Ace)) == "((suit Hearts) (rank Ace))")
        #expect(try SExpression.decode(SexpCard.self, from: "((suit Spades)(rank Two))") == SexpCard(suit: .Spades, rank: .Two))
        for suit in SexpCard.Suit.allCases {
            for rank in SexpCard.Rank.allCases {
                let card = SexpCard(suit: suit, rank: rank)
                #expect(try SExpression.decode(SexpCard.self, from: SExpression.encode(card)) == card)
            }
        }
    }

    @Test("B-29: wrong and trailing text is refused")
    func wrongCards() {
        #expect(SExpression.failure(SexpCard.self, "((suit Cups) (rank Ace))")?.path.description == "suit")
        #expect(SExpression.failure(SexpCard.self, "((suit Hearts))")?.code == .missingField)
        #expect(SExpression.failure(SexpCard.self, "((suit Hearts) (rank Ace)) x")?.code == .trailingBytes)
        #expect(SExpression.failure(SexpCard.self, "((suit Hearts) (rank Ace)")?.code == .truncated)
        #expect(SExpression.failure(SexpCard.self, "((suit Hearts) (rank Ace) (rank One))")?.code == .duplicateField)
    }

    @Test("everything a record can hold is written on one line")
    func golden() throws {
        let text = try SExpression.text(Library.sample)
        #expect(
            text == #"((Name "Peer & <Gynt>") (Book (((id 1) (title Brand)) ((id 2) (title "\"Vildanden\"\r\n")))) (Tags ("øy" "")) "#
                + "(Counts ((a -1) (b 2))) (Cover AP8QAQ==) (Rating 4.5) (Status (Closed storm)))")
        #expect(try SExpression.decode(Library.self, from: text) == Library.sample)
    }

    @Test("blanks, comments, escapes and unknown fields do not change a value")
    func lenience() throws {
        let text = """
            ; a library
            ((Name "Peer \\038 \\
               <Gynt>") #| a #| nested |# block |# (Unknown (((())) "x" y)) #; (Name (not "this" one))
              (Book (((id 1)(title Brand))((title "\\"Vildanden\\"\\r\\n")(id 2)))) (Tags ("\\195\\184y" ""))(Counts((b 2)(a -1)))
              (Cover "AP8QAQ==") (Rating 45e-1) (Status (Closed storm)))
            """
        #expect(try SExpression.decode(Library.self, from: text) == Library.sample)
    }

    @Test(
        "what is wrong is refused at its line and column",
        arguments: [
            ("(1\n 2 x)", ShapeError.Code.typeMismatch, 2, 4), ("(1 2", .truncated, 1, 5), ("1", .typeMismatch, 1, 1),
            ("(1))", .trailingBytes, 1, 4),
            ("(\"\\q\")", .syntax, 1, 4), ("(\"\\300\")", .syntax, 1, 4), ("(#; )", .typeMismatch, 1, 5),
            ("(9999999999999999999)", .outOfRange, 1, 2),
            ("(#| )", .truncated, 1, 6),
        ])
    func refusals(_ text: String, _ code: ShapeError.Code, _ line: Int, _ column: Int) {
        let failure = SExpression.failure([Int].self, text)
        #expect(failure?.code == code, "\(failure as Any)")
        #expect(failure?.position == TextPosition(line: line, column: column), "\(failure as Any)")
    }

    @Test("budgets hold: depth also in what is passed over, elements, bytes")
    func budgets() {
        let deep = String(repeating: "(", count: 100) + String(repeating: ")", count: 100)
        #expect(SExpression.failure(Library.self, "((Name n) (Unknown \(deep)))")?.code == .limitExceeded)
        #expect(SExpression.failure([Int].self, "(" + String(repeating: "#;", count: 100))?.code == .limitExceeded)
        #expect(SExpression.failure([Int].self, "(1 2 3)", limits: DecodingLimits(elements: 2))?.code == .limitExceeded)
        #expect(SExpression.failure(String.self, "12345", limits: DecodingLimits(bytes: 4))?.code == .limitExceeded)
    }

    @Test("damage is refused or read as another value, and never traps")
    func damage() throws {
        let bytes = try SExpression.encode(Library.sample)
        #expect(SExpression.refusals(Library.self, damaging: bytes, replacements: Array("()\"\\;#| 9x\u{0}\u{ff}".utf8)) > bytes.count)
    }

    @Test("values of every kind come back")
    func roundTrips() throws {
        func check<T: Shaped & Equatable>(_ value: T) throws {
            let text = try SExpression.text(value)
            #expect(try SExpression.decode(T.self, from: text) == value, "\(text)")
        }
        try check([nil, .some(nil), .some(5)] as [Int??])
        try check([[], [1, 2], []] as [[Int]])
        try check([Double.infinity, -.infinity, -0.5, 1e300])
        try check(["", " ", "#;", "a#b", "|", "\u{0}\u{7f}\u{1f}é", "()"])
        try check([.null, true, -5, 2.5, "text", .bytes([1, 2]), [1, [.null]], .object(["k": "v"])] as [Value])
        #expect(try SExpression.decode(Double.self, from: SExpression.encode(Double.nan)).isNaN)
    }
}
