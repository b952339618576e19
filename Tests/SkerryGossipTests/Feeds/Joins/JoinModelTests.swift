import SkerryCRDT
import Testing

@testable import SkerryGossip

@Suite("Small models of joining")
struct JoinModelTests {
    /// A small cluster, what it has done before, and what must happen in some of its states.
    struct Scene: CustomTestStringConvertible {
        var testDescription: String
        var model: JoinModel
        var moves: [JoinModel.Move] = []
        var events: Set<JoinModel.Event>
        /// States in CI: fewer than all where there are many.
        var limit = 2_500

        func explore(with defect: JoinModel.Defect? = nil, limit: Int) -> JoinModel.Outcome {
            var model = model
            model.defect = defect
            return model.explore(from: model.start(after: moves), limit: limit)
        }
    }

    static let guest = Scene(
        testDescription: "a guest takes a state while a key is removed and forgotten",
        model: JoinModel(founders: 2, writesMaximum: 1, acknowledgementsMaximum: 3, livesMaximum: 3),
        moves: [.write(0), .take(1, from: 0)],
        events: [.removal, .acknowledgement, .collection, .registration, .homecoming, .join, .strangersJoin])

    static let latecomer = Scene(
        testDescription: "a guest takes the state of one member while another has acknowledged a removal",
        model: JoinModel(founders: 2, writesMaximum: 0, acknowledgementsMaximum: 1, livesMaximum: 3),
        moves: [.write(0), .take(1, from: 0), .removal(0), .acknowledge(0)],
        events: [.collection, .registration, .homecoming, .join], limit: .max)

    static let orphan = Scene(
        testDescription: "a member that is being retired registers a guest",
        model: JoinModel(writesMaximum: 0, acknowledgementsMaximum: 2, proposals: [(0, 2)], hosts: [2], livesMaximum: 5),
        events: [.retirement, .settlement, .homecoming, .exile, .orphan, .refusedJoin, .strangersJoin])

    static let stranger = Scene(
        testDescription: "the only one who has what its registrar wrote is a stranger",
        model: JoinModel(
            writesMaximum: 1, acknowledgementsMaximum: 1, departures: [2], writers: [2, 3], hosts: [2], livesMaximum: 5),
        events: [.departure, .homecoming, .write, .strangersJoin])

    static let hosts = Scene(
        testDescription: "a guest asks one member after the other, of which one is being retired",
        model: JoinModel(writesMaximum: 0, acknowledgementsMaximum: 2, proposals: [(0, 2)], hosts: [1, 2], livesMaximum: 5),
        events: [.otherHost, .retirement, .settlement, .homecoming, .join, .strangersJoin, .refusedJoin], limit: 4_000)

    static let registrar = Scene(
        testDescription: "a member is registered by one and given its state by another",
        model: JoinModel(writesMaximum: 0, acknowledgementsMaximum: 1, hosts: [0, 1], livesMaximum: 4),
        moves: [
            .write(0), .take(1, from: 0), .take(2, from: 0), .removal(2), .acknowledge(2), .take(0, from: 2), .acknowledge(0),
            .take(2, from: 0),
        ],
        events: [.collection, .registration, .homecoming, .join])

    static let retirements = Scene(
        testDescription: "two of four are retired, one after the other",
        model: JoinModel(
            founders: 4, guests: 0, writesMaximum: 0, acknowledgementsMaximum: 5, proposals: [(0, 2), (0, 3)], livesMaximum: 4),
        events: [.retirement, .settlement], limit: .max)

    static let silentGuest = Scene(
        testDescription: "who comes home is retired before it is there, and its former self with it",
        model: JoinModel(
            guests: 0, writesMaximum: 0, acknowledgementsMaximum: 3, proposals: [(0, 2), (1, 3)], livesMaximum: 4),
        events: [.exile, .registration, .settlement])

    static let returner = Scene(
        testDescription: "a returner removed what its host has not taken yet",
        model: JoinModel(guests: 0, writesMaximum: 1, acknowledgementsMaximum: 2, proposals: [(0, 2)], livesMaximum: 4),
        moves: [.write(0), .take(2, from: 0)],
        events: [.removal, .exile, .registration, .homecoming, .news])

    static let slow = Scene(
        testDescription: "states arrive later than they were given",
        model: JoinModel(
            founders: 2, writesMaximum: 1, acknowledgementsMaximum: 3, livesMaximum: 3, isSlow: true, joinsAlways: true),
        moves: [.write(0), .take(1, from: 0)],
        events: [.removal, .collection, .departingState, .homecoming, .join])

    static let scenes = [guest, latecomer, orphan, stranger, hosts, registrar, retirements, silentGuest, returner, slow]

    private static let isSoaking = FeedSimulationTests.number("SKERRY_SOAK") == 1
    /// Of each scene with `SKERRY_SOAK=1`, where it has so many.
    private static let soak = Int(FeedSimulationTests.number("SKERRY_STATES") ?? 2_000_000)

    @Test(
        "whoever joins which state: nothing deleted comes back, nothing is passed over or lost unsaid, and members agree", arguments: scenes
    )
    func states(_ scene: Scene) {
        let outcome = scene.explore(limit: Self.isSoaking ? Self.soak : scene.limit)
        let extent = outcome.isComplete ? "all" : "the first"
        print("\(scene.testDescription): \(extent) \(outcome.states) states, \(outcome.ends) ends; \(outcome.counts)")
        #expect(outcome.problem == nil, "\(outcome.problem ?? ""): \(outcome.trail.joined(separator: "\n"))")
        let missing = scene.events.filter { outcome.events[$0] == nil }
        #expect(missing.isEmpty, "never happened: \(missing)")
    }

    /// An error put in on purpose, and the scene that finds it.
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var defect: JoinModel.Defect
        var scene: Scene
    }

    static let cases = [
        Case(testDescription: "anybody's state is joined", defect: .joinsAnybody, scene: orphan),
        Case(testDescription: "states are joined that lead over who is retired", defect: .joinsTheBarred, scene: orphan),
        Case(testDescription: "members' states alone are joined", defect: .joinsMembersAlone, scene: stranger),
        Case(testDescription: "registrations do not come with a state", defect: .registrationsDropped, scene: stranger),
        Case(testDescription: "a guest is registered after it has the state", defect: .registeredAfterwards, scene: latecomer),
        Case(testDescription: "a host does not register whom another registered", defect: .registeredElsewhere, scene: registrar),
        Case(
            testDescription: "a guest takes the state of another host than the one it asked first", defect: .asksSeveralHosts, scene: hosts),
    ]

    @Test("the model finds errors put in on purpose", arguments: cases)
    func defective(_ given: Case) {
        let outcome = given.scene.explore(with: given.defect, limit: 200_000)
        print("\(given.testDescription): after \(outcome.states) states: \(outcome.problem?.prefix(100) ?? "not found")")
        #expect(outcome.problem != nil)
    }
}

extension JoinModel.Outcome {
    var counts: String { events.sorted { $0.key.rawValue < $1.key.rawValue }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
}
