#!lua flags=no-writes
-- look: where a ticket is. Reads only: any number of them changes nothing.
--
-- ARGV   3 ticket id
-- Reply  admitted <expiry_ms> <started_ms> | called <deadline_ms> | waiting <ahead> | missed | gone | ended | absent
--include _room.lua
return look(ARGV[3])
