import Foundation
import SkerryCodec

let sample = Meta.sample
let bin = try Bin.encode(sample)
print("bin:bytes", bin.count)

try measure("bin:encode") { keep(try Bin.encode(sample)) }
var reused: [UInt8] = []
try measure("bin:encode-reused") {
    reused.removeAll(keepingCapacity: true)
    try Bin.encode(sample, into: &reused)
    keep(reused.count)
}
try measure("bin:decode") { keep(try Bin.decode(Meta.self, from: bin)) }

let json = try JSON.encode(sample)
print("json:bytes", json.count)
try measure("json:encode", iterations: 20_000) { keep(try JSON.encode(sample)) }
try measure("json:encode-reused", iterations: 20_000) {
    reused.removeAll(keepingCapacity: true)
    try JSON.encode(sample, into: &reused)
    keep(reused.count)
}
try measure("json:decode", iterations: 20_000) { keep(try JSON.decode(Meta.self, from: json)) }

let cbor = try CBOR.encode(sample)
print("cbor:bytes", cbor.count)
try measure("cbor:encode", iterations: 20_000) { keep(try CBOR.encode(sample)) }
try measure("cbor:decode", iterations: 20_000) { keep(try CBOR.decode(Meta.self, from: cbor)) }

let encoder = JSONEncoder()
let decoder = JSONDecoder()
let foundation = try encoder.encode(sample)
try measure("foundation-json:encode", iterations: 4_000) { keep(try encoder.encode(sample)) }
try measure("foundation-json:decode", iterations: 4_000) { keep(try decoder.decode(Meta.self, from: foundation)) }

// The formats must agree on what they carry before their times mean anything.
let copies = [
    try Bin.decode(Meta.self, from: bin), try JSON.decode(Meta.self, from: json),
    try CBOR.decode(Meta.self, from: cbor), try CBOR.decode(Meta.self, from: cbor, options: .deterministic),
    try decoder.decode(Meta.self, from: Data(json)),
    try JSON.decode(Meta.self, from: Array(foundation)),
]
precondition(copies.allSatisfy { $0 == sample })
