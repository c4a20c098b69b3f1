#!lua flags=no-writes
-- look: where a ticket is. Reads only: any number of them changes nothing.
--
-- ARGV   3 ticket id   4 when the copy shown was issued, seconds
-- Reply  admitted <expiry_ms> <started_ms> | called <deadline_ms> | waiting <ahead> | missed | gone | ended | absent
--        moved <moment, seconds>
--include _room.lua
return moved(ARGV[3], ARGV[4]) or look(ARGV[3])
