-- One loader for every server: requests come from a file of paths, bodies from a file of noise.
--
--   wrk -t1 -c16 -d5s -s load.lua http://HOST:PORT -- METHOD PATHS [BODY COUNTER]
--
-- PATHS holds one path with its query per line. A PUT takes each line once, so that every key is new; when the lines are used up it says
-- `exhausted` on standard error and repeats the last one. A GET goes round. Each block of 64 KiB of a PUT's body begins with a number that
-- no other block has, COUNTER being the first, so that a store cannot find it a second time.
-- Ends with one line of figures, `result requests=... `, which the caller reads.

local ffi = require("ffi")

local BLOCK = 65536
local requests, count, position = {}, 0, 0
local exhausted = false

-- PUT only: head and body of the next request in one buffer.
local put, buffer, head_length, body_length, paths, number

local function head(method, path, length)
   local lines = method .. " " .. path .. " HTTP/1.1\r\nHost: " .. wrk.headers["Host"] .. "\r\n"
   if length then lines = lines .. "Content-Length: " .. length .. "\r\n" end
   return lines .. "\r\n"
end

function init(args)
   local method = args[1]
   put = method == "PUT"
   paths = {}
   for path in io.lines(args[2]) do paths[#paths + 1] = path end
   count = #paths
   if not put then
      for i = 1, count do requests[i] = head(method, paths[i]) end
      return
   end
   local file = assert(io.open(args[3], "rb"))
   local body = file:read("*a")
   file:close()
   body_length = #body
   number = tonumber(args[4])
   -- Signed paths are of one length when their keys are; the head is then patched and not built anew.
   local first = head("PUT", paths[1], body_length)
   head_length = #first
   buffer = ffi.new("char[?]", head_length + body_length)
   ffi.copy(buffer, first, head_length)
   ffi.copy(buffer + head_length, body, body_length)
   for i = 2, count do assert(#paths[i] == #paths[1], "paths differ in length") end
   -- Each request of 1 MiB is a string of 1 MiB: without this the collector lets hundreds of them wait.
   collectgarbage("setpause", 110)
end

local word = ffi.new("double[1]")

function request()
   if not put then
      position = position % count + 1
      return requests[position]
   end
   local path = paths[math.max(1, math.min(position, count))]
   if position > count and not exhausted then
      exhausted = true
      io.stderr:write("exhausted\n")
   end
   -- 0 is the request for which wrk asks before the run, to look at it; it is not sent.
   position = position + 1
   ffi.copy(buffer + 4, path, #path)
   for offset = 0, body_length - 1, BLOCK do
      word[0] = number
      number = number + 1
      ffi.copy(buffer + head_length + offset, word, math.min(8, body_length - offset))
   end
   return ffi.string(buffer, head_length + body_length)
end

function done(summary, latency)
   local errors = summary.errors
   io.write(string.format(
      "result requests=%d microseconds=%d bytes=%d connect=%d read=%d write=%d timeout=%d status=%d p50=%d p99=%d\n",
      summary.requests, summary.duration, summary.bytes, errors.connect, errors.read, errors.write, errors.timeout, errors.status,
      latency:percentile(50), latency:percentile(99)))
end
