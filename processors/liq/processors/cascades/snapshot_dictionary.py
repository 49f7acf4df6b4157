"""The deflate dictionary of snapshots: the usual names and values, in the order of a snapshot.

It must never change, because only the same dictionary can inflate stored snapshots. Names of later
fields are missing here and take a few more bytes.
"""

from typing import Final

DICTIONARY: Final = (
    b'"sources":{"0":17,"1":17},"cascades":{"cascade_id":["","parent_id":[null,null,"sequence":[1,1,'
    b'"is_open":[false,false,true,"is_linked":[false,false,true,"side":["LONG","LONG","SHORT","SHORT",'
    b'"newest":[null,null,null,"recent":[],"held":[{"tick":17,"beats":{"base":["","tick":[17,17,'
    b'"complete":[0,0,"side":["LONG","slices":[[[17,1,"exchanges":[["blind":[[],[],"top":[[-"alerts":["{'
    b'"exchanges":{"side":["LONG","SHORT"],"name":["","tick":[17,"decided":17,"blind":[],"running":{'
    b'"cascade_id":"","children":["","is_rebuilt":false,"told":17}},"beat_slots":[0,0,0,0,0,1,0,2,0,0,'
    b'["pacifica","lighter","aster","bitfinex","dydx","deribit","kraken","bitmex","htx","gate","bitget",'
    b'"hyperliquid","okx","bybit","binance"],["PERP","USD","USDC","ETHUSDT","BTCUSDT",0,'
    b'[["binance","USDT",0,1],["bybit","USDT",1,1],["okx","USDT",0,1]],'
    b'"cascade":[{"onset":17,"started":17,"last_hot":17,"level":0,"told":17,"updated":17,"changed":17,'
    b'"sequence":1,"late":0,"generations":0,"first_generation":0.0,"peak_second_cents":1,'
    b'"warm":0,"reached":[0,0,0],"peak_short_cents":1,"peak_window_cents":1,"peak":{"tick":17,"score":1,"basic":1,"rate":0.00,'
    b'"count":1,"short_weight":1,"hourly_cents":1,"parts":{"speed":0.4,"volume":0.2,"imbalance":0.8,"concentration":0.5,'
    b'"breadth":0.5},"surprise":{"nats":1,"window_seconds":10,"quick_nats":1,"expected_short":0.02},'
    b'"cents":1,"other_cents":0,"short_cents":1},"totals":{"count":1,"cells":1,"complete":0,"latest_ms":17,'
    b'"cents":1,"prices":{"series":[["","","fill"]],"first":[[17,""]],"last":[[17,""]],"cents":[1]},"largest":[[-"groups":{"name":["","first":["cells":["cents":["symbols":["",'
    b'"totals":{"count":0,"cells":0,"complete":0,"latest_ms":0,"cents":0,"prices":{"series":[],"first":[],"last":[],"cents":[]},"largest":[],"groups":{"name":[],"first":[],"cells":[],"cents":[]},"symbols":[]},"pending":{"count":0,"cells":0,"complete":0,"latest_ms":0,"cents":0,"prices":{"series":[],"first":[],"last":[],"cents":[]},"largest":[],"groups":{"name":[],"first":[],"cells":[],"cents":[]},"symbols":[]}},null],'
    b'"news":{"LONG":{"slices":[[17,1,"exchanges":["complete_ms":[17,"top":[-"SHORT":{"slices":[[17,1,'
    b'{"lanes":{"watched":[0,0],"baseline":{"first_second":[17,17],"held":[0.0,0.0],'
    b'"held_cents":[0.0,0.0],"held_cells":[0.0,0.0],"held_squares":[0.0,0.0],"held_at":[17,17],'
    b'"block":[17,17],"block_tenths":[10,10],"block_all_tenths":[0,0],"recent":[0.0,0.0],"recent_at":[17,17],"is_unsettled":[false,false],"block_cents":[0,0]},"cascade":[null,null],'
    b'"ring":{"now":[17,17],"tick_tenths":[10,0],"tick_cents":[0,0],"buckets":[{"age":[0],"weight":[10],'
    b'"count":[1,1,1],"complete":[1,1,1],"cents":[]},'
    b'{"age":[],"weight":[],"count":[],"complete":[],"cents":[]}],"details":[{"cells":[[["","first":[['
    b'"last":[null,null,null],"latest_ms":[null,null,null],"of":[0,0,0],"top":[[-"]],"series":['
    b'["binance","BTCUSDT","average_fill"],["bybit","ETHUSDT","bankruptcy"],["okx","USDT","bankruptcy"]]},'
    b'{"cells":[],"first":[],"last":[],"latest_ms":[],"of":[],"top":[],"series":[]}]}},'
    b'"recent_ids":{"age":[0],"digits":[""]},"excitations":{"fast_branching":[0.25,0.25],'
    b'"slow_branching":[0.25,0.25],"fast_memory":[1.0,0.0],"slow_memory":[1.0,0.0],'
    b'"background":[6.0,6.0],"exposure":[3600.0,3600.0],"last":[0.0,17],"events":[0,0]},'
    b'"tick":17,"seen":17,"is_rebuilt":false,"news":{}}'
)
