import SkerryRocksDB
import Testing

@testable import skerry

@Suite("Root credentials")
struct RootCredentialTests {
    private let first = RootCredentials(accessKey: "FIRSTKEY", secretKey: "first-secret")
    private let second = RootCredentials(accessKey: "SECONDKEY", secretKey: "second-secret")
    private let made = RootCredentials(accessKey: "MADEKEY", secretKey: "made-secret")

    private func plan(_ environment: RootCredentials?, _ record: RootCredentialRecord?) -> RootCredentialPlan {
        RootCredentialPlan(environment: environment, record: record, make: { made })
    }

    @Test("without an environment the first start makes them, keeps them and shows them once")
    func firstStart() {
        let start = plan(nil, nil)
        #expect(start.credentials == made && start.isNew && start.retired.isEmpty)
        let again = plan(nil, start.record)
        #expect(again.credentials == made && !again.isNew && again.record == start.record && again.retired.isEmpty)
    }

    @Test("the environment wins over what was made, and its secret is not written down")
    func environmentWins() {
        let start = plan(first, RootCredentialRecord(generated: made))
        #expect(start.credentials == first && !start.isNew)
        #expect(start.retired == ["MADEKEY"])
        #expect(start.record.generated == made)
        #expect(!String(decoding: start.record.bytes, as: UTF8.self).contains("first-secret"))
    }

    @Test("what was made comes back when the environment says nothing any more, and the environment's key goes")
    func environmentGoes() {
        let start = plan(nil, plan(first, RootCredentialRecord(generated: made)).record)
        #expect(start.credentials == made && !start.isNew)
        #expect(start.retired == ["FIRSTKEY"])
        #expect(start.record.environmentAccessKey == nil)
    }

    @Test("another environment takes the former one's key back")
    func environmentChanges() {
        let start = plan(second, plan(first, nil).record)
        #expect(start.credentials == second)
        #expect(start.retired == ["FIRSTKEY"])
        #expect(start.record.generated == nil)
    }

    @Test("the same environment again retires nothing, nor does one that repeats what was made")
    func nothingToRetire() {
        #expect(plan(first, plan(first, nil).record).retired.isEmpty)
        #expect(plan(made, RootCredentialRecord(generated: made)).retired.isEmpty)
    }

    @Test("every key that was ever in force is in force or known to the next start, whatever came before")
    func nothingIsForgotten() {
        let environments: [RootCredentials?] = [nil, first, second]
        var live: Set<String> = []
        var record: RootCredentialRecord?
        var generator = SystemRandomNumberGenerator()
        for step in 0..<200 {
            let plan = plan(environments[Int.random(in: 0..<3, using: &generator)], record)
            record = plan.record
            live.subtract(plan.retired)
            live.insert(plan.credentials.accessKey)
            #expect(live == [plan.credentials.accessKey], "after step \(step)")
        }
    }

    @Test("a record reads back as it was written")
    func recordRoundTrip() {
        for record in [
            RootCredentialRecord(), RootCredentialRecord(generated: made), RootCredentialRecord(environmentAccessKey: "A"),
            RootCredentialRecord(generated: first, environmentAccessKey: "B"),
        ] {
            #expect(RootCredentialRecord(record.bytes) == record)
        }
    }

    @Test("a damaged record is none", arguments: ["", "[]", "{", #"{"accessKey":"A"}"#, #"{"secretKey":"A"}"#])
    func damaged(_ text: String) {
        #expect(RootCredentialRecord(Array(text.utf8)) == nil)
    }

    @Test("the file is readable by its owner alone, replaced as a whole, and missing is no error")
    func file() throws {
        try withTemporaryDirectory { directory in
            #expect(try RootCredentialRecord.read(in: directory) == nil)
            try RootCredentialRecord(generated: first).write(in: directory)
            try RootCredentialRecord(generated: second).write(in: directory)
            #expect(try RootCredentialRecord.read(in: directory)?.generated == second)
            #expect(!FileAccess.isReadableByOthers(RootCredentialRecord.path(in: directory)))
            #expect(throws: CommandFailure.self) { try RootCredentialRecord().write(in: directory + "/missing") }
        }
    }

    @Test("a damaged file stops the start with advice")
    func damagedFile() throws {
        try withTemporaryDirectory { directory in
            try FileAccess.replace(RootCredentialRecord.path(in: directory), with: Array("{".utf8))
            let failure = #expect(throws: CommandFailure.self) { try RootCredentialRecord.read(in: directory) }
            #expect(failure?.message.contains("remove it") == true)
        }
    }

    @Test("the environment gives both keys, none, or an error")
    func environment() throws {
        let both = [RootCredentials.accessKeyVariable: "FIRSTKEY", RootCredentials.secretKeyVariable: "first-secret"]
        #expect(try RootCredentials.inEnvironment(both) == first)
        #expect(try RootCredentials.inEnvironment([:]) == nil)
        for name in both.keys { #expect(throws: CommandFailure.self) { try RootCredentials.inEnvironment(both.filter { $0.key == name }) } }
        #expect(throws: CommandFailure.self) { try RootCredentials.inEnvironment(both.merging(["SKERRY_ROOT_ACCESS_KEY": "a/b"]) { $1 }) }
        #expect(throws: CommandFailure.self) { try RootCredentials.inEnvironment(both.merging(["SKERRY_ROOT_SECRET_KEY": "short"]) { $1 }) }
    }

    @Test("generated keys are ones that are accepted, and differ")
    func generated() {
        let some = (0..<50).map { _ in RootCredentials.random() }
        #expect(some.allSatisfy { KeyMaterial.isAccessKey($0.accessKey) && KeyMaterial.isSecretKey($0.secretKey) })
        #expect(some.allSatisfy { $0.accessKey.count == 20 && $0.secretKey.count == 40 })
        #expect(Set(some.map(\.accessKey)).count == 50 && Set(some.map(\.secretKey)).count == 50)
    }

    @Test("what the first start shows is ready to paste, with an address a client can connect to")
    func firstStartText() {
        let text = FirstStartText(first, file: "d/root-credentials", endpoint: "0.0.0.0:9000", region: "eu").text
        #expect(
            text.contains(
                "AWS_ACCESS_KEY_ID=FIRSTKEY AWS_SECRET_ACCESS_KEY=first-secret AWS_DEFAULT_REGION=eu "
                    + "aws --endpoint-url http://127.0.0.1:9000 s3 ls\n"))
    }
}

@Suite("The admin token")
struct AdminTokenTests {
    private let token = AdminToken(RootCredentials(accessKey: "A", secretKey: "secret"))

    @Test("it depends on both keys and holds neither")
    func dependence() {
        #expect(token == AdminToken(RootCredentials(accessKey: "A", secretKey: "secret")))
        #expect(token != AdminToken(RootCredentials(accessKey: "B", secretKey: "secret")))
        #expect(token != AdminToken(RootCredentials(accessKey: "A", secretKey: "Secret")))
        #expect(token.text.utf8.count == 64 && !token.text.contains("secret"))
    }

    @Test("only the whole token opens")
    func matching() {
        #expect(token.matches(authorization: "Bearer \(token.text)"))
        for wrong in ["", "Bearer ", token.text, "Bearer \(token.text.dropLast())x", "bearer \(token.text)", "Bearer \(token.text) "] {
            #expect(!token.matches(authorization: wrong))
        }
        #expect(!token.matches(authorization: nil))
    }
}
