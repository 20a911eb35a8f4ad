; Semaphores, barriers, atomics, threads, transfers, lists.
        .semaphore ready, done
        .barrier step
        .text
        sem.wait ready                  ; = 0xd400_0101
        sem.wait done, x5               ; = 0xd405_0000
        sem.waiti done, 4095            ; = 0xd41f_017f
        sem.try x3, done, x5            ; = 0xd465_0001
        sem.try x3, ready               ; = 0xd460_0181
        sem.post done                   ; = 0xd400_0201
        sem.post ready, x5              ; = 0xd405_0002
        sem.read x3, done               ; = 0xd460_0003
        sem.post.at x4, done, x5        ; = 0xd4a4_0004
        sem.post.at x4, done            ; = 0xd424_0005
        sem.wait.r x4, x5               ; = 0xd404_2880
        sem.try.r x3, x4, x5            ; = 0xd464_2881
        sem.post.at.r x4, x5, x6        ; = 0xd4c4_2884
        barrier step, x5                ; = 0xd405_0006
        barrier.all step                ; = 0xd400_0007
        amo.add.w x1, [x2], x3          ; = 0x5822_1800
        amo.swap.d x1, [x2], x3         ; = 0x5822_1803
        amo.cas.d x1, [x2], x3, x4      ; = 0x5822_1905
        lw.acq x1, [x2]                 ; = 0x5822_000c
        ld.acq x1, [x2 + 8]             ; = 0x5822_008e
        thread.start x1, x2, x3, x4     ; = 0xd822_1900
        thread.stop x1                  ; = 0xd801_0001
        thread.yield                    ; = 0xd800_0002
        thread.state x1, x2             ; = 0xd822_0003
        push x1, x2, x3                 ; = 0xd022_1800
        push.post x1, x2, x3, done      ; = 0xd022_1840
        push.2d.ack x1, x2, x3, done    ; = 0xd022_1980
        push.row x1, x2, x3             ; = 0xd022_1803
        push.rect.2d.read x1, x2, x3, done; = 0xd022_1c40
        pull x1, x2, x3                 ; = 0xd022_1808
        pull.post x1, x2, x3, done      ; = 0xd022_1e40
        copy x1, x2, x3                 ; = 0xd022_1800
        copy.post x1, x2, x3, done      ; = 0xd022_18c0
        push.x x1, x2                   ; = 0xd022_000a
        push.v.post x1, v2, done        ; = 0xd022_0700
        push.v.rect x1, v2              ; = 0xd022_000d
        transfer [x1]                   ; = 0xd001_0020
        list.start x1, x2               ; = 0xdc01_1000
        list.wait                       ; = 0xdc00_0001
        list.left x1                    ; = 0xdc20_0002
        ctl.write rectangle, x1         ; = 0x5401_0141
        ctl.read x1, live_nodes         ; = 0x5420_00b0
