from datetime import UTC, datetime, timedelta
from decimal import Decimal
import time, uuid, pytest, random, resource, collections
from django.db import connection
from usage.ingest import *
from usage.rows import *
from usage.models import *
from usage import rollup, price_book
from tokentra.lib.tenancy import organization_scope
pytestmark=pytest.mark.django_db
END=datetime(2026,11,20,tzinfo=UTC)
def test_it(acme):
    from genai_prices.data import providers
    ms=[m.id for p in providers if p.id=="openai" for m in p.models if price_book.find("openai",m.id)][:40]
    c=uuid.uuid4(); rnd=random.Random(1)
    times=collections.Counter(); 
    def wrap(execute, sql, params, many, context):
        t=time.perf_counter()
        try: return execute(sql, params, many, context)
        finally: times[" ".join(str(sql).split())[:70]]+=time.perf_counter()-t
    cpu0=time.process_time(); t0=time.perf_counter(); n=0; rec=0
    for k in range(13):
        s=END-timedelta(days=7*(k+1)); e=s+timedelta(days=7)
        w=Window(c,"openai",Ledger.USAGE,"usage.completions",s,e)
        rows=[UsageRow(Ledger.USAGE,"usage.completions",s+timedelta(hours=rnd.randrange(168)),3600,"openai",rnd.choice(ms),project=(p:=f"p{rnd.randrange(30)}"),api_key="k"+p,tokens=Tokens(input=rnd.randrange(10**6),cache_read=rnd.randrange(10**5),output=rnd.randrange(10**5)),requests=3) for i in range(7700)]
        t=time.perf_counter()
        with organization_scope(acme.pk), connection.execute_wrapper(wrap): r=record(acme.pk,rows,window=w,now=END+timedelta(hours=19))
        rec+=time.perf_counter()-t
        n+=r.rows
    print(n, "wall",time.perf_counter()-t0,"record", rec,"cpu",time.process_time()-cpu0, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss//1024)
    for q,t in times.most_common(12): print(round(t,2), q)
    with organization_scope(acme.pk): print(UsageRecord.objects.count(), HourRollup.objects.count(), DayDimension.objects.count(), DayRollup.objects.count())

    with organization_scope(acme.pk), connection.cursor() as cur:
        days=[(s+timedelta(days=i)).date() for i in range(7)]
        p=rollup.parameters(cur, acme.pk, c, days)
        for mem in ("4MB","64MB"):
            cur.execute(f"SET LOCAL work_mem='{mem}'")
            cur.execute("EXPLAIN (ANALYZE, BUFFERS OFF) "+rollup.HOURS.sums, p)
            for (l,) in cur.fetchall(): print(l[:170])
            cur.execute("DELETE FROM usage_hourrollup WHERE "+rollup.HOURS.scope,p)
            cur.execute(f"EXPLAIN (ANALYZE, BUFFERS OFF) INSERT INTO usage_hourrollup ({rollup.HOURS.columns}) "+rollup.HOURS.sums, p)
            for (l,) in cur.fetchall()[:4]: print(l[:170])
